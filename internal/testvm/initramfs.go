package testvm

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/elastic/go-seccomp-bpf/internal/testbuild"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"github.com/elastic/go-seccomp-bpf/internal/testvm/console"
)

// programsDir has what helpers lists, by GOARCH.
const programsDir = "programs"

// guestEnv is the environment of every test.
func guestEnv(g Guest) []string {
	var compat []string
	for _, t := range g.Tests[1:] {
		compat = append(compat, t.GOARCH)
	}
	return []string{"PATH=/bin", "HOME=/tmp", "TMPDIR=/tmp", "USER=root", "TERM=dumb",
		console.GuestVariable + "=" + g.Name, console.CompatVariable + "=" + strings.Join(compat, ","),
		testbuild.Variable + "=/" + programsDir, testchild.TimeoutVariable + "=4m"}
}

// applets are the programs of busybox that tests may expect in /bin.
var applets = []string{"sh", "true", "false", "echo", "cat", "ls", "id", "sleep", "env", "uname", "mkdir", "rm", "touch", "dd", "grep", "head", "wc", "ps", "kill", "mount", "wget", "nc", "date", "sort", "tar", "gzip", "find", "seq", "pwd", "cp", "mv", "ln", "chmod", "hostname", "tr", "sed", "cut", "readlink", "basename", "dirname", "expr", "test", "printf", "tail", "tee", "xargs", "stat", "unshare", "awk", "egrep"}

// image collects the files of one guest.
type image struct {
	a    *archive
	plan console.Plan
}

func newImage() *image {
	im := &image{a: newArchive()}
	for _, d := range []string{"proc", "sys", "dev", "tmp", "run", "src", "etc"} {
		im.a.dir(d)
	}
	im.a.device("dev/console", 0o600, 5, 1)
	im.a.device("dev/null", 0o666, 1, 3)
	im.a.add("etc/passwd", 0o644, []byte("root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"))
	im.a.add("etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	im.a.add("etc/hosts", 0o644, []byte("127.0.0.1 localhost guest\n"))
	return im
}

func (im *image) addHostFile(name string, perm fs.FileMode, host string) error {
	b, err := os.ReadFile(host)
	if err != nil {
		return err
	}
	im.a.add(name, perm, b)
	return nil
}

func (im *image) addBusybox(host string) error {
	if err := im.addHostFile("bin/busybox", 0o755, host); err != nil {
		return err
	}
	for _, n := range applets {
		im.a.symlink("bin/"+n, "busybox")
	}
	return nil
}

// addTest places a test binary, its package's testdata, and its run in the plan.
func (im *image) addTest(g Guest, t Target, p testPackage, bin string, args []string, uid, seconds int) error {
	in := path.Join("/tests", t.GOARCH, filepath.Base(bin))
	if err := im.addHostFile(in, 0o755, bin); err != nil {
		return err
	}
	dir := path.Join("/src", p.rel())
	im.a.dir(dir)
	if err := im.addTree(path.Join(dir, "testdata"), filepath.Join(p.Dir, "testdata")); err != nil {
		return fmt.Errorf("pack the test data of %s: %w", p.ImportPath, err)
	}
	im.plan.Runs = append(im.plan.Runs, console.Run{Path: in, Args: args, Dir: dir, Env: guestEnv(g), UID: uid, Seconds: seconds})
	return nil
}

// addTree copies a directory's regular files; a directory that is not there is empty.
func (im *image) addTree(to, from string) error {
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return nil
	}
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return im.addHostFile(path.Join(to, filepath.ToSlash(rel)), info.Mode().Perm(), name)
	})
}

// write packs the image. gzip is what every kernel unpacks.
func (im *image) write(name string) error {
	plan, err := json.Marshal(im.plan)
	if err != nil {
		return err
	}
	im.a.add(console.PlanPath, 0o644, plan)
	return writeAtomic(name, 0o644, func(w io.Writer) error {
		zw, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if err := im.a.writeTo(zw); err != nil {
			return err
		}
		return zw.Close()
	})
}
