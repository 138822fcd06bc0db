package testvm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// emulatorSuite is the Debian suite qemu comes from, on every host: one
// version to know the quirks of. (loongarch64 needs qemu 9.1.)
const emulatorSuite = "trixie"

// An emulator is a directory with qemu, every library it needs and the C
// library's loader, unpacked from packages: it runs on any distribution, and
// without installing anything.
type emulator struct {
	root string
}

// fetchEmulator unpacks a qemu package and its dependencies.
func (c Cache) fetchEmulator(ctx context.Context, r *aptRoot, pkg string, log func(string, ...any)) (*emulator, error) {
	if err := r.update(ctx); err != nil {
		return nil, err
	}
	want, err := r.describe(ctx, pkg)
	if err != nil {
		return nil, err
	}
	root := c.path("files", want.sha256, pkg)
	if _, err := os.Stat(root); err == nil {
		return &emulator{root: root}, nil
	}
	log("fetching %s and its libraries", want.name)
	archives := filepath.Join(r.dir, "cache", "archives")
	if _, err := r.run(ctx, "apt-get", "install", "-q", "-y", "--download-only", "--no-install-recommends", pkg); err != nil {
		return nil, err
	}
	debs, err := filepath.Glob(filepath.Join(archives, "*.deb"))
	if err != nil {
		return nil, err
	}
	if err := unpackAll(ctx, root, debs); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", pkg, err)
	}
	for _, d := range debs {
		if err := os.Remove(d); err != nil {
			return nil, err
		}
	}
	return &emulator{root: root}, nil
}

func unpackAll(ctx context.Context, root string, debs []string) error {
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(root), ".partial-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, d := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", d, tmp).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg-deb -x %s: %w: %s", filepath.Base(d), err, out)
		}
	}
	return os.Rename(tmp, root)
}

// command returns a qemu command line that uses nothing of the host's but the kernel.
func (e *emulator) command(ctx context.Context, binary string, args ...string) (*exec.Cmd, error) {
	bin := filepath.Join(e.root, "usr", "bin", binary)
	if _, err := os.Stat(bin); err != nil {
		return nil, fmt.Errorf("find the emulator: %w", err)
	}
	loader := e.glob("lib64/ld-linux*", "usr/lib64/ld-linux*", "lib/ld-linux*", "usr/lib/ld-linux*", "usr/lib/*/ld-linux*")
	if len(loader) == 0 {
		return nil, fmt.Errorf("find the loader for %s: no ld-linux* below %s", binary, e.root)
	}
	libs := strings.Join(e.glob("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio"), ":")
	argv := []string{"--library-path", libs, bin}
	for _, d := range []string{"usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu", "usr/share/opensbi"} {
		argv = append(argv, "-L", filepath.Join(e.root, d))
	}
	cmd := exec.CommandContext(ctx, loader[0], append(argv, args...)...)
	cmd.Env = os.Environ()
	if mods := e.glob("usr/lib/*/qemu"); len(mods) > 0 {
		cmd.Env = append(cmd.Env, "QEMU_MODULE_DIR="+mods[0])
	}
	return cmd, nil
}

func (e *emulator) glob(patterns ...string) []string {
	var all []string
	for _, p := range patterns {
		names, err := filepath.Glob(filepath.Join(e.root, p))
		if err == nil { // the patterns above are well formed
			all = append(all, names...)
		}
	}
	return all
}
