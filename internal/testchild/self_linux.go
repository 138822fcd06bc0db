package testchild

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
)

// Self says what this process may do and what confines it already, as a
// container engine or a service manager may; some tests depend on that.
type Self struct {
	NoNewPrivs bool // it cannot gain privileges, nor be without no_new_privs
	Filtered   bool // it runs under seccomp filters
	SysAdmin   bool // it has CAP_SYS_ADMIN
}

var statusFields = regexp.MustCompile(`(?m)^(NoNewPrivs|Seccomp|CapEff):\s*([0-9a-f]+)$`)

// AboutSelf reads the calling process's main thread's status.
func AboutSelf() (Self, error) {
	const sysAdmin = 21 // CAP_SYS_ADMIN
	var self Self
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return self, err
	}
	for _, field := range statusFields.FindAllSubmatch(status, -1) {
		value, err := strconv.ParseUint(string(field[2]), 16, 64)
		if err != nil {
			return self, err
		}
		switch string(field[1]) {
		case "NoNewPrivs":
			self.NoNewPrivs = value != 0
		case "Seccomp":
			self.Filtered = value != 0
		case "CapEff":
			self.SysAdmin = value&(1<<sysAdmin) != 0
		}
	}
	return self, nil
}

// CanTrace tells whether this process may trace a child of its own.
func CanTrace() bool {
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if cmd.Start() != nil {
		return false
	}
	_ = cmd.Process.Kill() // it has stopped at its first instruction
	_ = cmd.Wait()
	return true
}
