//go:build linux

// Command goprogram is a Go program that does what Go programs do, for the
// tests of the groups @go-runtime, @go-net and @go-exec. Its arguments say what:
// runtime, net, exec. It uses nothing but the standard library, and nothing that
// the oldest supported Go release lacks.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

func main() {
	for _, what := range os.Args[1:] {
		var err error
		switch what {
		case "runtime":
			err = useRuntime()
		case "net":
			err = useNet()
		case "exec":
			err = useExec()
		case "child":
			fmt.Println("child")
		default:
			err = fmt.Errorf("no such thing: %s", what)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, what+":", err)
			os.Exit(1)
		}
		fmt.Println(what, "done")
	}
}

// useRuntime has the runtime start threads, collect garbage, give memory back,
// preempt, sleep, handle signals and faults, and profile.
func useRuntime() error {
	profile := new(bytes.Buffer)
	if err := pprof.StartCPUProfile(profile); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread() // never unlocked: the thread ends
			var keep [][]byte
			for until := time.Now().Add(100 * time.Millisecond); time.Now().Before(until); {
				keep = append(keep, make([]byte, 1<<20))
				if len(keep) > 16 {
					keep = nil
				}
			}
		}()
	}
	wg.Wait()
	runtime.GC()
	debug.FreeOSMemory()
	pprof.StopCPUProfile()

	timer := time.NewTicker(time.Millisecond)
	for range 3 {
		<-timer.C
	}
	timer.Stop()
	time.Sleep(time.Millisecond)

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		return err
	}
	select {
	case <-signals:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("no signal")
	}
	signal.Stop(signals)
	return fault()
}

// fault checks that the runtime turns a fault into a panic.
func fault() (err error) {
	defer func() {
		if recover() == nil {
			err = fmt.Errorf("no fault")
		}
	}()
	var p *[1 << 20]byte
	p[len(os.Args)] = 1
	return nil
}

func useNet() error {
	if n, err := echo(make([]byte, 1<<20)); err != nil || n != 1<<20 {
		return fmt.Errorf("echo of %d bytes: %w", n, err)
	}
	if err := udp(); err != nil {
		return err
	}
	if err := unixSocket(); err != nil {
		return err
	}
	if err := sendFile(); err != nil {
		return err
	}
	// From /etc/hosts or a resolver, and the error of a name that nobody has.
	if _, err := net.LookupHost("localhost"); err != nil {
		return err
	}
	resolver := net.Resolver{PreferGo: true}
	_, _ = resolver.LookupHost(contextOf(200*time.Millisecond), "name.invalid")
	_, err := net.Interfaces()
	return err
}

func udp() error {
	a, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := net.Dial("udp", a.LocalAddr().String())
	if err != nil {
		return err
	}
	defer b.Close()
	if _, err := b.Write([]byte("ping")); err != nil {
		return err
	}
	buf := make([]byte, 16)
	_, from, err := a.ReadFrom(buf)
	if err != nil {
		return err
	}
	_, err = a.WriteTo(buf, from)
	return err
}

func unixSocket() error {
	// An abstract name, which leaves nothing behind.
	l, err := net.Listen("unix", fmt.Sprintf("@goprogram-%d", os.Getpid()))
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("hello"))
			c.Close()
		}
	}()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	if err == nil && string(got) != "hello" {
		err = fmt.Errorf("read %q", got)
	}
	return err
}

// sendFile sends a file and relays a connection, which sendfile and splice do.
func sendFile() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	sent := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			var f *os.File
			if f, err = os.Open("/proc/self/exe"); err == nil {
				_, err = io.CopyN(c.(*net.TCPConn), f, 1<<16)
				f.Close()
			}
			c.Close()
		}
		sent <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if n, err := io.Copy(io.Discard, c); err != nil || n != 1<<16 {
		return fmt.Errorf("received %d bytes: %w", n, err)
	}
	return <-sent
}

func useExec() error {
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		return err
	}
	_, _ = exec.LookPath("no-such-command")
	cmd := exec.Command(self, "child")
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader([]byte("in"))
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte("child")) {
		return fmt.Errorf("child: %q, %w", out, err)
	}
	ctx := contextOf(50 * time.Millisecond)
	if err := exec.CommandContext(ctx, self, "runtime", "runtime", "runtime").Run(); err == nil {
		return fmt.Errorf("child was not killed")
	}
	cmd = exec.Command(self, "child")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}
