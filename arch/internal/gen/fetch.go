package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// suites are where the newest kernel may be; the mirror is the one that the
// machine's own apt configuration names.
var suites = []string{"sid", "forky", "trixie-backports", "trixie"}

// refresh writes the facts files anew. It works in a temporary directory with
// an apt configuration of its own.
func refresh(data string) error {
	tmp, err := os.MkdirTemp("", "arch-gen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	apt, err := newApt(tmp)
	if err != nil {
		return err
	}
	source, err := apt.fetch(`linux-source-[0-9]+\.[0-9]+`, "")
	if err != nil {
		return err
	}
	// The last Debian kernel with the 31-bit s390 table, removed in Linux 6.19.
	s390, err := apt.fetch("linux-libc-dev", "6.12")
	if err != nil {
		return err
	}
	manual, err := apt.fetch("manpages-dev", "")
	if err != nil {
		return err
	}
	release := shortRE.FindString(source.version)
	tree, err := source.kernelTree(release)
	if err != nil {
		return err
	}
	header := filepath.Join(s390.dir, "usr/lib/linux/uapi/s390/asm/unistd_32.h")
	k, err := readKernel(tree, header, release)
	if err != nil {
		return err
	}
	k.sources = []string{source.String(), s390.String() + " (31-bit s390)"}
	if err := os.WriteFile(filepath.Join(data, "kernel.txt"), k.encode(), 0o644); err != nil {
		return err
	}
	x, err := openXSys("")
	if err != nil {
		return err
	}
	headers, err := readAllHeaders(tree, x, source.String())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "headers.txt"), headers.encode(), 0o644); err != nil {
		return err
	}
	return refreshSince(data, k, x, manual)
}

func refreshSince(data string, k *kernelFacts, x *xsys, manual *debPackage) error {
	page, err := readGzip(filepath.Join(manual.dir, "usr/share/man/man2/syscalls.2.gz"))
	if err != nil {
		return err
	}
	tables, err := mergeTables(x, k)
	if err != nil {
		return err
	}
	snaps, err := history()
	if err != nil {
		return err
	}
	calls, err := deriveSince(allNames(tables), manVersions(page), snaps, k.version)
	if err != nil {
		return err
	}
	last := snaps[len(snaps)-1]
	f := sinceFacts{calls: calls, sources: []string{
		manual.String() + ": syscalls(2)",
		fmt.Sprintf("golang.org/x/sys %s (Linux %s) to %s (Linux %s)", snaps[0].version, snaps[0].kernel, last.version, last.kernel),
		"statedVersions and statedOnABI in arch/internal/gen/stated.go",
	}}
	return os.WriteFile(filepath.Join(data, "since.txt"), f.encode(), 0o644)
}

func readGzip(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(z)
	return string(b), err
}

// An apt is a private package index.
type apt struct {
	dir     string
	options []string
}

func newApt(dir string) (*apt, error) {
	mirror, key, err := ownMirror()
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	var list strings.Builder
	for _, s := range suites {
		fmt.Fprintf(&list, "deb [signed-by=%s] %s %s main\n", key, mirror, s)
	}
	for name, text := range map[string]string{"sources.list": list.String(), "status": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	a := &apt{dir: dir}
	for _, o := range []string{"Dir::Etc::SourceList=" + dir + "/sources.list", "Dir::Etc::SourceParts=/dev/null",
		"Dir::State::Lists=" + dir + "/lists", "Dir::Cache=" + dir + "/cache", "Dir::State::status=" + dir + "/status",
		"Acquire::Languages=none", "APT::Sandbox::User=root"} {
		a.options = append(a.options, "-o", o)
	}
	_, err = a.run("apt-get", "update")
	return a, err
}

func (a *apt) run(tool string, args ...string) (string, error) {
	cmd := exec.Command(tool, append(slices.Clone(a.options), args...)...)
	cmd.Dir = a.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", tool, strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

// ownMirror returns the Debian archive and keyring this machine's apt uses.
func ownMirror() (uri, key string, err error) {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, path := range append(files, "/etc/apt/sources.list") {
		b, _ := os.ReadFile(path)
		if m := regexp.MustCompile(`(?m)(?:^URIs: *|^deb +(?:\[.*\] +)?)(\S+/debian/?)(?:\s|$)`).FindSubmatch(b); m != nil {
			return string(m[1]), "/usr/share/keyrings/debian-archive-keyring.gpg", nil
		}
	}
	return "", "", fmt.Errorf("looking for a Debian mirror in /etc/apt: none is configured (-fetch needs a Debian machine)")
}

// A debPackage is an unpacked Debian package.
type debPackage struct{ name, version, sum, dir string }

func (p *debPackage) String() string {
	return fmt.Sprintf("Debian %s %s (sha256 %s)", p.name, p.version, p.sum)
}

// fetch downloads and unpacks the newest package whose name matches and whose
// version starts with a prefix.
func (a *apt) fetch(nameRE, versionPrefix string) (*debPackage, error) {
	names, err := a.run("apt-cache", "pkgnames")
	if err != nil {
		return nil, err
	}
	best := &debPackage{}
	for _, name := range strings.Fields(names) {
		if !regexp.MustCompile("^" + nameRE + "$").MatchString(name) {
			continue
		}
		out, err := a.run("apt-cache", "madison", name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			f := strings.Split(line, "|")
			if len(f) < 3 || !strings.HasPrefix(strings.TrimSpace(f[1]), versionPrefix) {
				continue
			}
			v := strings.TrimSpace(f[1])
			if best.version == "" || exec.Command("dpkg", "--compare-versions", v, "gt", best.version).Run() == nil {
				best.name, best.version = name, v
			}
		}
	}
	if best.name == "" {
		return nil, fmt.Errorf("no Debian package %s %s in %s", nameRE, versionPrefix, strings.Join(suites, ", "))
	}
	if _, err := a.run("apt-get", "download", best.name+"="+best.version); err != nil {
		return nil, err
	}
	debs, err := filepath.Glob(filepath.Join(a.dir, best.name+"_*.deb"))
	if err != nil || len(debs) != 1 {
		return nil, fmt.Errorf("downloading %s: %d files (%w)", best.name, len(debs), err)
	}
	b, err := os.ReadFile(debs[0])
	if err != nil {
		return nil, err
	}
	best.sum = fmt.Sprintf("%x", sha256.Sum256(b))
	best.dir = filepath.Join(a.dir, "x-"+best.name)
	_, err = (&apt{dir: a.dir}).run("dpkg-deb", "-x", debs[0], best.dir)
	return best, err
}

// kernelTree unpacks the parts of the kernel source that readKernel reads.
func (p *debPackage) kernelTree(release string) (string, error) {
	tarball := filepath.Join(p.dir, "usr/src/linux-source-"+release+".tar.xz")
	_, err := (&apt{dir: p.dir}).run("tar", "-xJf", tarball, "--wildcards", "*/syscall*.tbl", "*.c", "*/Kconfig",
		"*/include/uapi/*.h", "*/arch/*/include/*.h", "*/include/linux/socket.h", "*/include/linux/net.h")
	return filepath.Join(p.dir, "linux-source-"+release), err
}
