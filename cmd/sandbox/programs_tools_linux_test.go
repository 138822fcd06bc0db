//go:build tools

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// programs run under the default policy as they do without it. Each is a
// script for sh, and what it prints; $URL is a local web server's address.
var programs = []struct{ name, needs, script, want string }{
	{"bash", "bash", `bash -c 'x=$(for i in 1 2 3; do echo $i & wait; done | tac); echo $x; cat <(echo fifo)'`, "3 2 1\nfifo"},
	{"coreutils", "timeout", `echo b >b; echo a >a; sort a b | tee c | wc -l; chmod 600 a; ln -s a d; cp -a d e; stat -c %a a; timeout 1 sleep 5; echo $?`, "2\n600\n124"},
	{"git", "git", `git init -q r && cd r && git config user.email a@b && git config user.name a && echo x >f && git add f && git commit -q -m one &&
		git gc -q && git clone -q . ../s && cd ../s && git log --format=%s`, "one"},
	{"tar", "tar", `mkdir d && echo hello >d/f && tar -czf d.tgz d && rm -r d && tar -xzf d.tgz && cat d/f`, "hello"},
	{"perl", "perl", `perl -e 'if (my $p = fork) { waitpid $p, 0; print $? >> 8, "\n" } else { exit 7 }'`, "7"},
	{"python3", "python3", `python3 -c '
import asyncio, multiprocessing, socket, sqlite3, subprocess, tempfile, threading
with multiprocessing.Pool(2) as p: print(sum(p.map(abs, range(-9, 0))))
print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip())
t = threading.Thread(target=print, args=("thread",)); t.start(); t.join()
print(sqlite3.connect(":memory:").execute("select 6*7").fetchone()[0])
async def main():
    p = await asyncio.create_subprocess_exec("true"); print(await p.wait())
asyncio.run(main())
a, b = socket.socketpair(); a.send(b"x"); print(b.recv(1))'`, "45\nchild\nthread\n42\n0\nb'x'"},
	{"node", "node", `node -e 'const {execSync} = require("child_process"); const {Worker} = require("worker_threads");
		console.log(String(execSync("echo child")).trim());
		new Worker("process.exit(5)", {eval: true}).on("exit", c => { console.log(c);
			require("fs").writeFile("f", "x", e => console.log(e)) })'`, "child\n5\nnull"},
	{"gcc", "gcc", `printf '#include <pthread.h>\n#include <stdio.h>\nvoid *f(void *p) { return p; }\nint main(void) { pthread_t t; void *r;
		pthread_create(&t, 0, f, "thread"); pthread_join(t, &r); puts(r); }' >t.c && gcc -O2 -pthread -o t t.c && ./t`, "thread"},
	{"go", "go", `mkdir h && cd h && printf 'package main\n\nimport ("fmt"; "net"; "os/exec")\n\nfunc main() {
		l, err := net.Listen("tcp", "127.0.0.1:0"); fmt.Println(l != nil, err)
		out, err := exec.Command("echo", "child").Output(); fmt.Printf("%%s%%v\\n", out, err) }\n' >main.go &&
		go mod init h 2>/dev/null && GOFLAGS=-p=1 go run .`, "true <nil>\nchild\n<nil>"},
	{"make", "make", `printf 'all: a b\n\t@cat a b\na b:\n\t@echo $@ >$@\n' >Makefile && make -s -j2`, "a\nb"},
	{"sqlite3", "sqlite3", `sqlite3 t.db 'pragma journal_mode=wal; create table t(x); insert into t values(6*7); select x from t'`, "wal\n42"},
	{"curl", "curl", `curl -sS "$URL"`, "served"},
	{"xz", "xz", `seq 100000 | xz -T2 | xz -dc | tail -1`, "100000"},
	{"openssl", "openssl", `printf x | openssl dgst -sha256 | grep -o '2d711642b726b044'`, "2d711642b726b044"},
	{"ssh-keygen", "ssh-keygen", `ssh-keygen -q -t ed25519 -N '' -f k && head -1 k`, "-----BEGIN OPENSSH PRIVATE KEY-----"},
	{"find", "find", `mkdir -p a/b && touch a/b/c && find a -type f -exec sh -c 'echo found {}' \;`, "found a/b/c"},
	{"dd", "dd", `dd if=/dev/zero bs=4096 count=3 2>/dev/null oflag=append of=z && wc -c <z`, "12288"},
	{"script", "script", `script -qec 'test -t 1 && echo terminal' /dev/null </dev/null | tr -d '\r'`, "terminal"},
}

func TestPrograms(t *testing.T) {
	sandbox := buildSandbox(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "served") }))
	defer server.Close()
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			if _, err := exec.LookPath(p.needs); err != nil {
				t.Fatalf("%v: .ci/run installs what these tests need", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, sandbox, "sh", "-c", p.script)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "URL="+server.URL, "LC_ALL=C")
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != p.want {
				t.Errorf("%v, have\n%s\nwant\n%s", err, got, p.want)
			}
		})
	}
}

// TestStrace checks the advice that help gives: strace works inside when it may
// ptrace, and sees what the filter refuses.
func TestStrace(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("%v: .ci/run installs what these tests need", err)
	}
	sandbox := buildSandbox(t)
	log := filepath.Join(t.TempDir(), "log")
	if out, err := exec.Command(sandbox, "-allow", "ptrace", strace, "-f", "-o", log, "unshare", "-U", "true").CombinedOutput(); err == nil {
		t.Errorf("unshare is not refused: %s", out)
	}
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "unshare(CLONE_NEWUSER)") || !strings.Contains(string(text), "EPERM") {
		t.Errorf("%v, the log is\n%s", err, text)
	}
	if out, err := exec.Command(sandbox, strace, "true").CombinedOutput(); err == nil {
		t.Errorf("strace is not refused: %s", out)
	}
}

func buildSandbox(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sandbox")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}
