//go:build tools

package elfscan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// groundTruth is what a program was seen to call.
type groundTruth struct {
	Binary, Package, Version string
	Used                     []string

	// precision is what scans have to keep; below it something got worse.
	precision float64
}

func readTruths(t *testing.T) []groundTruth {
	t.Helper()
	files, err := filepath.Glob("../../shared/groundtruth/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no ground truth beside the repository")
	}
	floor := map[string]float64{"etcd": 0.72, "caddy": 0.525, "hugo": 0.56, "nginx": 0.61, "sqlite3": 0.42}
	var out []groundTruth
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var g groundTruth
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		g.precision = floor[g.Binary]
		out = append(out, g)
	}
	return out
}

func command(t *testing.T, env []string, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// install returns the path of a program, building or installing it first.
func install(t *testing.T, g groundTruth) string {
	t.Helper()
	if g.Package == "" {
		path, err := exec.LookPath(g.Binary)
		if err != nil {
			command(t, []string{"DEBIAN_FRONTEND=noninteractive"}, "", "apt-get", "install", "-y", "--no-install-recommends", g.Binary)
			if path, err = exec.LookPath(g.Binary); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(cache, "seccomp-groundtruth", "go", g.Binary)
	buildPackage(t, g, bin)
	return bin
}

// buildPackage builds a program, unless it is there.
func buildPackage(t *testing.T, g groundTruth, bin string, flags ...string) {
	t.Helper()
	if _, err := os.Stat(bin); err == nil {
		return
	}
	// Not go install, which refuses modules with replace directives.
	dir := t.TempDir()
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-p=2 -buildvcs=false", "GOARCH=amd64", "GOOS=linux"}
	command(t, env, dir, "go", "mod", "init", "example.test/build")
	command(t, env, dir, "go", "get", g.Package+"@"+g.Version)
	command(t, env, dir, "go", append(append([]string{"build", "-o", bin}, flags...), g.Package)...)
}

func TestGroundTruth(t *testing.T) {
	for _, g := range readTruths(t) {
		t.Run(g.Binary, func(t *testing.T) {
			path := install(t, g)
			res := scanFile(t, path, &elfscan.Options{Path: path})
			if p := compare(t, res, g.Used); p < g.precision {
				t.Errorf("precision %.3f, was at least %.2f", p, g.precision)
			}
			if g.Package != "" {
				stripped := filepath.Join(t.TempDir(), g.Binary)
				command(t, nil, "", "strip", "-o", stripped, path)
				if s := scanFile(t, stripped, nil); callNames(s) != callNames(res) {
					t.Errorf("stripped differs:\n%s", callNames(s))
				}
			}
			runUnder(t, g, path, res)
		})
	}
}

// compare fails where a call that a program was seen to make is not found or
// one is unresolved. It returns which part of the calls found was seen.
func compare(t *testing.T, res *elfscan.Result, used []string) (precision float64) {
	t.Helper()
	found := map[string]bool{}
	for _, c := range res.Calls {
		if c.Grade != elfscan.Gated {
			found[c.Name] = true
		}
	}
	hit := 0
	for _, u := range used {
		if !found[u] {
			t.Errorf("missed %s", u)
			continue
		}
		hit++
	}
	for _, u := range res.Unresolved {
		t.Errorf("unresolved: %+v", u)
	}
	precision = float64(hit) / float64(len(found))
	t.Logf("recall %d/%d, precision %.3f of %d", hit, len(used), precision, len(found))
	return precision
}

// runUnder runs the program's work under the policy made from its scan.
func runUnder(t *testing.T, g groundTruth, path string, res *elfscan.Result) {
	t.Helper()
	work := workloads[g.Binary]
	if work == nil {
		t.Fatalf("no workload for %s", g.Binary)
	}
	dir := t.TempDir()
	work(t, dir, sandboxed(t, dir, path, res, elfscan.PolicyOptions{}))
}

// TestGroundTruthArguments: programs work under policies that restrict
// arguments: as they are built, stripped, and position independent. Building
// the last takes minutes, and is done where SECCOMP_GROUNDTRUTH_PIE is set.
func TestGroundTruthArguments(t *testing.T) {
	for _, g := range readTruths(t) {
		t.Run(g.Binary, func(t *testing.T) {
			path := install(t, g)
			runRestricted(t, g, path)
			if g.Package == "" {
				return
			}
			stripped := filepath.Join(t.TempDir(), g.Binary)
			command(t, nil, "", "strip", "-o", stripped, path)
			runRestricted(t, g, stripped)
			if os.Getenv("SECCOMP_GROUNDTRUTH_PIE") != "" {
				pie := filepath.Join(filepath.Dir(path), "pie", g.Binary)
				buildPackage(t, g, pie, "-buildmode=pie")
				runRestricted(t, g, pie)
			}
		})
	}
}

func runRestricted(t *testing.T, g groundTruth, path string) {
	t.Helper()
	opt := &elfscan.Options{Path: path}
	switch g.Binary {
	case "nginx": // asks for users and groups
		opt.Dlopen = nssModules(t)
	case "sqlite3": // the workload loads no extension
		opt.Dlopen = []string{"libm.so.6"}
	}
	res := scanFile(t, path, opt)
	restricted := elfscan.PolicyOptions{Args: true}
	p, notes, err := res.Policy(&restricted)
	if err != nil {
		t.Fatal(err)
	}
	n := len(p.Syscalls[0].NamesWithConditions)
	t.Logf("%s: %d alternatives of restricted calls; %d calls are not restricted", path, n, len(notes))
	if n == 0 {
		t.Errorf("no call is restricted: %q", notes)
	}
	dir := t.TempDir()
	workloads[g.Binary](t, dir, sandboxed(t, dir, path, res, restricted))
}

// nssModules are the modules that nsswitch.conf names, where they are files of
// their own.
func nssModules(t *testing.T) (names []string) {
	t.Helper()
	found, err := filepath.Glob("/lib/*/libnss_*.so.2")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile("/etc/nsswitch.conf") // glibc does without
	for _, name := range found {
		if service := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "libnss_"), ".so.2"); strings.Contains(string(b), service) || service == "files" {
			names = append(names, name)
		}
	}
	return names
}

// sandboxed returns what runs a program under the policy made from its scan,
// by cmd/sandbox, which needs execve to start it.
func sandboxed(t *testing.T, dir, path string, res *elfscan.Result, opt elfscan.PolicyOptions) func(args ...string) *exec.Cmd {
	t.Helper()
	opt.Allow = append(opt.Allow, "execve")
	p, _, err := res.Policy(&opt)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := policyfile.Write(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sandbox := filepath.Join(dir, "sandbox")
	command(t, nil, "..", "go", "build", "-o", sandbox, "./cmd/sandbox")
	return func(args ...string) *exec.Cmd {
		cmd := limited(t, maxWorkload, sandbox, append([]string{"--policy", policy, "--", path}, args...)...)
		cmd.Dir = dir
		return cmd
	}
}

// limited is a command that fails the test when it takes too long, and then ends
// with what it started, which may hang where a call was refused, and holds the
// pipes open.
func limited(t *testing.T, most time.Duration, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), most, fmt.Errorf("still running after %v", most))
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		t.Errorf("%s: %v", filepath.Base(name), context.Cause(ctx))
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// maxWorkload bounds the run of a program under its policy: what hangs because
// of a refused call fails, instead of waiting for the whole test's end.
const maxWorkload = 60 * time.Second

var workloads = map[string]func(t *testing.T, dir string, run func(...string) *exec.Cmd){
	"sqlite3": func(t *testing.T, dir string, run func(...string) *exec.Cmd) {
		out, err := run("t.db", "create table t(a); insert into t values(41+1); vacuum; select a from t;").CombinedOutput()
		if err != nil || string(out) != "42\n" {
			t.Errorf("%v: %s", err, out)
		}
	},
	"hugo": func(t *testing.T, dir string, run func(...string) *exec.Cmd) {
		for _, args := range [][]string{{"new", "site", "site"}, {"--source", "site", "--minify"}} {
			if out, err := run(args...).CombinedOutput(); err != nil {
				t.Errorf("%v: %v: %s", args, err, out)
			}
		}
	},
	"etcd": func(t *testing.T, dir string, run func(...string) *exec.Cmd) {
		const url = "http://127.0.0.1:23790"
		serve(t, run("--data-dir", "d", "--listen-client-urls", url, "--advertise-client-urls", url,
			"--listen-peer-urls", "http://127.0.0.1:23800", "--log-level", "error"), url+"/health", syscall.SIGINT)
	},
	"caddy": func(t *testing.T, dir string, run func(...string) *exec.Cmd) {
		write(t, filepath.Join(dir, "Caddyfile"), ":18080\nrespond hello\n")
		serve(t, run("run", "--config", "Caddyfile", "--adapter", "caddyfile"), "http://127.0.0.1:18080/", syscall.SIGTERM)
	},
	"nginx": func(t *testing.T, dir string, run func(...string) *exec.Cmd) {
		conf := "daemon off; pid nginx.pid; error_log stderr; events {}\nhttp { access_log access.log; server { listen 127.0.0.1:18081; root .; } }\n"
		for _, d := range []string{"body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			conf = strings.Replace(conf, "http {", fmt.Sprintf("http { %s_temp_path %s;", map[bool]string{true: "client_body", false: d}[d == "body"], filepath.Join(dir, d)), 1)
		}
		write(t, filepath.Join(dir, "nginx.conf"), conf)
		write(t, filepath.Join(dir, "index.html"), "hello")
		serve(t, run("-p", dir, "-c", "nginx.conf"), "http://127.0.0.1:18081/nginx.conf", syscall.SIGQUIT)
	},
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// serve starts a server, asks it until it answers, and stops it.
func serve(t *testing.T, cmd *exec.Cmd, url string, stop syscall.Signal) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	answered := false
	client := http.Client{Timeout: 2 * time.Second}
	for end := time.Now().Add(15 * time.Second); !answered && time.Now().Before(end); {
		resp, err := client.Get(url)
		if err == nil {
			answered = slices.Contains([]int{200, 403, 404}, resp.StatusCode)
			_ = resp.Body.Close()
		}
		if answered {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := cmd.Process.Signal(stop); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		ws, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !answered || ws.Signaled() && ws.Signal() == syscall.SIGSYS {
			t.Errorf("answered %v, %v: %s", answered, err, out.String())
		}
	case <-time.After(15 * time.Second):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
		t.Errorf("does not stop within 15s: %s", out.String())
	}
}
