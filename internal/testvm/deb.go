package testvm

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// debFiles walks the regular files of a package.
func debFiles(ctx context.Context, deb string, visit func(name string, r io.Reader) error) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("unpack %s: %w", deb, err)
	}
	walkErr := walkTar(out, visit)
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil && walkErr == nil {
		return fmt.Errorf("unpack %s: %w%s", deb, err, stderrOf(err))
	}
	if errors.Is(walkErr, errStop) {
		return nil
	}
	return walkErr
}

// errStop ends a walk early.
var errStop = errors.New("found")

func walkTar(r io.Reader, visit func(name string, r io.Reader) error) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := visit(path.Clean("/"+h.Name), tr); err != nil {
			return err
		}
	}
}

// fetchFile returns, from the cache or the archive, the one file of a package
// whose path matches; its name in the cache carries the package's checksum.
func (c Cache) fetchFile(ctx context.Context, r *aptRoot, pkg string, match *regexp.Regexp, log func(string, ...any)) (string, error) {
	want, err := r.describe(ctx, pkg)
	if err != nil {
		return "", err
	}
	dir := c.path("files", want.sha256)
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err == nil && len(names) == 1 {
		return names[0], nil
	}
	log("fetching %s", want.name)
	deb, err := r.download(ctx, pkg, want)
	if err != nil {
		return "", err
	}
	defer os.Remove(deb)
	var found string
	err = debFiles(ctx, deb, func(name string, in io.Reader) error {
		if !match.MatchString(name) {
			return nil
		}
		found = filepath.Join(dir, filepath.Base(name))
		if err := writeAtomic(found, 0o755, func(w io.Writer) error {
			_, err := io.Copy(w, in)
			return err
		}); err != nil {
			return err
		}
		return errStop
	})
	if err != nil {
		return "", err
	}
	if found == "" {
		return "", fmt.Errorf("package %s has no file matching %s", want.name, match)
	}
	return found, nil
}

var vmlinux = regexp.MustCompile(`^/(usr/lib/modules|boot)/.*vmlinu[xz][^/]*$`)

// fetchKernel resolves a kernel's meta-package to the package that holds the
// image and returns the image.
func (c Cache) fetchKernel(ctx context.Context, r *aptRoot, meta string, log func(string, ...any)) (string, error) {
	if err := r.update(ctx); err != nil {
		return "", err
	}
	deps, err := r.depends(ctx, meta)
	if err != nil {
		return "", err
	}
	pkg := imagePackage(deps)
	if pkg == "" {
		return "", fmt.Errorf("package %s of %s %s depends on no linux-image-<version> (it depends on %s)", meta, r.suite, r.arch, strings.Join(deps, ", "))
	}
	// Since Linux 7 Debian's linux-image-* only depends on linux-binary-*, which has the image.
	if deps, err = r.depends(ctx, pkg); err != nil {
		return "", err
	}
	for _, d := range deps {
		if strings.HasPrefix(d, "linux-binary-") {
			pkg = d
		}
	}
	return c.fetchFile(ctx, r, pkg, vmlinux, log)
}

var imageName = regexp.MustCompile(`^linux-image-\d+\.\d+`)

func imagePackage(deps []string) string {
	for _, d := range deps {
		d, _, _ = strings.Cut(d, ":")
		if imageName.MatchString(d) {
			return d
		}
	}
	return ""
}
