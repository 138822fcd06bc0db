//go:build tools

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// TestOCI runs a container of each runtime under the policy that --for oci makes
// for a program which prints a line, with a default action that kills.
func TestOCI(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("containers are run by root here")
	}
	root := t.TempDir()
	bin := filepath.Join(root, "rootfs", "hello")
	if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "hello.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println(\"hello\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	goBuild(t, []string{"GO111MODULE=off"}, "", bin, source)
	policy, bare := filepath.Join(root, "policy.yaml"), filepath.Join(root, "bare.yaml")
	mustRun(t, "--for", "oci", "--out", policy, bin)
	mustRun(t, "--allow", "execve", "--out", bare, bin)
	for _, runtime := range []string{"runc", "crun"} {
		if _, err := exec.LookPath(runtime); err != nil {
			install := exec.Command("apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", runtime)
			install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
			if out, err := install.CombinedOutput(); err != nil {
				t.Fatalf("installing %s: %v\n%s", runtime, err, out)
			}
		}
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s,noNewPrivileges=%v", runtime, !early), func(t *testing.T) {
				if out, err := runContainer(t, runtime, root, policy, early); err != nil || !strings.Contains(out, "hello\n") {
					t.Errorf("%v: %s", err, out)
				}
				if out, err := runContainer(t, runtime, root, bare, early); early && err == nil {
					t.Errorf("it also starts without --for oci: %s", out)
				}
			})
		}
	}
}

// runContainer runs the program as another user; early has the filter set before
// the user and the capabilities are.
func runContainer(t *testing.T, runtime, root, policy string, early bool) (string, error) {
	t.Helper()
	config := containerConfig(t, policy, early)
	if err := os.WriteFile(filepath.Join(root, "config.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("seccomp-profiler-%s-%v-%d", runtime, early, os.Getpid())
	run := runtime + " run " + id
	if runtime == "crun" {
		// crun wants one hierarchy of control groups; this is what it sees on
		// machines that have both.
		run = "if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; fi; exec crun --cgroup-manager=cgroupfs run " + id
	}
	cmd := exec.Command("unshare", "-m", "sh", "-c", run)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		_ = exec.Command(runtime, "delete", "-f", id).Run() // there may be nothing left of it
	}
	return string(out), err
}

// containerConfig is a runtime's configuration with the policy as its filter.
func containerConfig(t *testing.T, policy string, early bool) []byte {
	t.Helper()
	file, err := policyfile.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]string{"allow": "SCMP_ACT_ALLOW", "errno(ENOSYS)": "SCMP_ACT_ERRNO"}
	var rules []map[string]any
	for _, g := range file.Policy.Syscalls {
		action := actions[g.Action.String()]
		if action == "" || len(g.NamesWithConditions) > 0 {
			t.Fatalf("group %v is not expected", g)
		}
		rule := map[string]any{"names": g.Names, "action": action}
		if action == "SCMP_ACT_ERRNO" {
			rule["errnoRet"] = 38
		}
		rules = append(rules, rule)
	}
	mounts := []map[string]any{{"destination": "/proc", "type": "proc", "source": "proc"}}
	namespaces := []map[string]any{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}}
	text, err := json.Marshal(map[string]any{
		"ociVersion": "1.0.2",
		"process": map[string]any{"args": []string{"/hello"}, "cwd": "/", "env": []string{"PATH=/"}, "noNewPrivileges": !early,
			"user":         map[string]any{"uid": 1000, "gid": 1000, "additionalGids": []int{5}},
			"capabilities": map[string]any{"bounding": []string{"CAP_KILL"}, "effective": []string{}, "permitted": []string{}}},
		"root":   map[string]any{"path": "rootfs"},
		"mounts": mounts,
		"linux": map[string]any{"namespaces": namespaces,
			"seccomp": map[string]any{"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": rules}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
