package testvm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// An aptRoot is apt's view of one suite for one architecture, apart from the
// machine's: own sources, own lists, no installed packages. Packages are
// verified by the machine's Debian keyrings and never installed.
type aptRoot struct {
	dir    string
	suite  string
	arch   string
	config string // APT_CONFIG
	quiet  bool   // the lists are fresh: do not update again
}

// indexAge is how old package lists may be before they are fetched again.
const indexAge = 7 * 24 * time.Hour

// updatePause is how long to wait before asking a mirror again.
const updatePause = 5 * time.Second

// Mirror finds the Debian mirror the machine's apt uses.
func Mirror(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "update", "--print-uris").Output()
	if err != nil {
		return "", fmt.Errorf("ask apt for its mirror: %w%s (name one with -mirror)", err, stderrOf(err))
	}
	if m := mirrorFrom(string(out)); m != "" {
		return m, nil
	}
	return "", errors.New("find a Debian mirror: this machine's apt has no source that ends in /debian (name one with -mirror)")
}

// mirrorFrom picks, from the output of apt-get update --print-uris, the
// archive whose last path element is "debian".
func mirrorFrom(uris string) string {
	for line := range strings.Lines(uris) {
		u, _, ok := strings.Cut(strings.TrimPrefix(line, "'"), "'")
		if !ok {
			continue
		}
		base, _, ok := strings.Cut(u, "/dists/")
		if ok && path.Base(base) == "debian" {
			return base
		}
	}
	return ""
}

func newAptRoot(ctx context.Context, c Cache, mirror, suite, arch string) (*aptRoot, error) {
	r := &aptRoot{dir: c.path("apt", suite+"-"+arch), suite: suite, arch: arch}
	r.config = filepath.Join(r.dir, "apt.conf")
	for _, d := range []string{"lists/partial", "cache/archives/partial", "keys"} {
		if err := os.MkdirAll(filepath.Join(r.dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if err := r.copyKeys(); err != nil {
		return nil, err
	}
	fetching, err := fetchSettings(ctx)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"status":       "",
		"sources.list": fmt.Sprintf("deb [arch=%s] %s %s main\n", arch, mirror, suite),
		"apt.conf":     fetching + r.ownSettings(),
	} {
		err := writeAtomic(filepath.Join(r.dir, name), 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// ownSettings points every directory of apt below r.dir. Expired lists are
// accepted: the signature is what protects, and an archived suite is as good a
// source of an old kernel as a live one.
func (r *aptRoot) ownSettings() string {
	return fmt.Sprintf(`Dir::State %[1]q; Dir::State::lists "%[1]s/lists"; Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache"; Dir::Etc::sourcelist "%[1]s/sources.list"; Dir::Etc::trustedparts "%[1]s/keys";
Dir::Etc::sourceparts "/dev/null"; Dir::Etc::parts "/dev/null"; Dir::Etc::main "/dev/null";
Dir::Etc::trusted "/dev/null"; Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; Acquire::Retries "3";
APT::Architecture %[2]q; APT::Architectures { %[2]q; }; APT::Install-Recommends "false";
APT::Sandbox::User "";
`, r.dir, r.arch)
}

// fetchSettings copies how the machine reaches its mirror (proxies, timeouts,
// certificates) and nothing else of its configuration.
func fetchSettings(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return "", fmt.Errorf("read apt's configuration: %w%s", err, stderrOf(err))
	}
	var b strings.Builder
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Acquire::http") || strings.HasPrefix(line, "Acquire::Proxy") {
			b.WriteString(line)
		}
	}
	return b.String(), nil
}

// copyKeys gives the private root the machine's Debian archive keys.
func (r *aptRoot) copyKeys() error {
	n := 0
	for _, pattern := range []string{"/usr/share/keyrings/debian-*.gpg", "/etc/apt/trusted.gpg.d/debian-*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			key, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			err = writeAtomic(filepath.Join(r.dir, "keys", filepath.Base(name)), 0o644, func(w io.Writer) error {
				_, err := w.Write(key)
				return err
			})
			if err != nil {
				return err
			}
			n++
		}
	}
	if n == 0 {
		return errors.New("find Debian's archive keys: none in /usr/share/keyrings (install debian-archive-keyring)")
	}
	return nil
}

func (r *aptRoot) run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+r.config, "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s (%s %s): %w%s", name, strings.Join(args, " "), r.suite, r.arch, err, stderrOf(err))
	}
	return string(out), nil
}

// stderrOf returns apt's own explanation: its "E:" lines, else its last one.
func stderrOf(err error) string {
	var e *exec.ExitError
	if !errors.As(err, &e) {
		return ""
	}
	var said []string
	for line := range strings.Lines(string(e.Stderr)) {
		if strings.HasPrefix(line, "E: ") {
			said = append(said, strings.TrimSpace(line[3:]))
		}
	}
	if len(said) == 0 {
		lines := strings.Split(strings.TrimSpace(string(e.Stderr)), "\n")
		said = lines[len(lines)-1:]
	}
	return ": " + strings.Join(said, "; ")
}

// update fetches the package lists unless they are fresh. When the mirror
// fails and older lists are there, those serve.
func (r *aptRoot) update(ctx context.Context) error {
	stamp := filepath.Join(r.dir, "updated")
	st, statErr := os.Stat(stamp)
	if statErr == nil && (r.quiet || time.Since(st.ModTime()) < indexAge) {
		return nil
	}
	_, err := r.run(ctx, "apt-get", "update", "-q", "--error-on=any")
	if err != nil && ctx.Err() == nil {
		// A mirror that is being updated gives an index that does not fit its
		// signature for a moment. Whatever arrived is not kept.
		time.Sleep(updatePause)
		_, err = r.run(ctx, "apt-get", "update", "-q", "--error-on=any")
	}
	if err != nil {
		if statErr == nil {
			r.quiet = true
			return nil
		}
		return err
	}
	return writeAtomic(stamp, 0o644, func(io.Writer) error { return nil })
}

// A debFile is one package at one version, as the signed lists describe it.
type debFile struct {
	uri, name, sha256 string
}

// depends returns the names a package depends on, first alternatives only.
func (r *aptRoot) depends(ctx context.Context, pkg string) ([]string, error) {
	out, err := r.run(ctx, "apt-cache", "depends", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", pkg)
	if err != nil {
		return nil, err
	}
	return dependsFrom(out), nil
}

var dependsLine = regexp.MustCompile(`(?m)^\s+\|?(?:Pre)?Depends: ([^\s<>]+)`)

func dependsFrom(out string) []string {
	var names []string
	for _, m := range dependsLine.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	return names
}

// describe asks for the file of one package.
func (r *aptRoot) describe(ctx context.Context, pkg string) (debFile, error) {
	out, err := r.run(ctx, "apt-get", "download", "--print-uris", pkg)
	if err != nil {
		return debFile{}, err
	}
	f, err := debFileFrom(out)
	if err != nil {
		return debFile{}, fmt.Errorf("package %s of %s %s: %w", pkg, r.suite, r.arch, err)
	}
	return f, nil
}

func debFileFrom(out string) (debFile, error) {
	f := strings.Fields(strings.TrimSpace(out))
	if len(f) != 4 || !strings.HasPrefix(f[3], "SHA256:") {
		return debFile{}, fmt.Errorf("apt printed %q, want a URI, a name, a size and a SHA256", out)
	}
	uri := strings.Trim(f[0], "'")
	if _, err := url.Parse(uri); err != nil {
		return debFile{}, err
	}
	return debFile{uri: uri, name: f[1], sha256: strings.TrimPrefix(f[3], "SHA256:")}, nil
}

// download fetches a package, verifies it against the signed lists and returns
// the path of the .deb; the caller removes it.
func (r *aptRoot) download(ctx context.Context, pkg string, want debFile) (string, error) {
	if _, err := r.run(ctx, "apt-get", "download", "-q", pkg); err != nil {
		return "", err
	}
	deb := filepath.Join(r.dir, want.name)
	sum, err := sha256File(deb)
	if err != nil {
		return "", err
	}
	if sum != want.sha256 {
		os.Remove(deb)
		return "", fmt.Errorf("package %s: checksum %s, the signed list says %s", deb, sum, want.sha256)
	}
	return deb, nil
}

// hostDebArch is what Debian calls the machine's architecture.
func hostDebArch(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "dpkg", "--print-architecture").Output()
	if err != nil {
		return "", fmt.Errorf("ask dpkg for this machine's architecture: %w%s", err, stderrOf(err))
	}
	return strings.TrimSpace(string(out)), nil
}
