package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// An xsys is one version of golang.org/x/sys in the module cache.
type xsys struct {
	dir, version string
	kernel       string // the Linux release its tables were made from
}

var kernelRE = regexp.MustCompile(`--branch v([0-9]+\.[0-9]+)[^ ]* .*linux`)

// openXSys locates a version; "" is the one go.mod names.
func openXSys(version string) (*xsys, error) {
	args := []string{"mod", "download", "-json", "golang.org/x/sys@" + version}
	format := `"Dir": "(.*)"`
	if version == "" {
		args = []string{"list", "-m", "-f", `"Dir": "{{.Dir}}", "Version": "{{.Version}}"`, "golang.org/x/sys"}
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("locating golang.org/x/sys %s: %w", version, err)
	}
	dir := regexp.MustCompile(`"Dir": "([^"]*)"`).FindSubmatch(out)
	v := regexp.MustCompile(`"Version": "([^"]*)"`).FindSubmatch(out)
	if dir == nil || v == nil {
		return nil, fmt.Errorf("locating golang.org/x/sys %s: no %s in %q", version, format, out)
	}
	x := &xsys{dir: string(dir[1]), version: string(v[1])}
	b, err := os.ReadFile(filepath.Join(x.dir, "unix/linux/Dockerfile"))
	if err != nil {
		return nil, err
	}
	if m := kernelRE.FindSubmatch(b); m != nil {
		x.kernel = string(m[1])
		return x, nil
	}
	return nil, fmt.Errorf("golang.org/x/sys %s: unix/linux/Dockerfile names no kernel release", x.version)
}

// constantNames returns the names of constants that any of its ports has.
func (x *xsys) constantNames() (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(x.dir, "unix", "z*_linux*.go"))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, path := range files {
		all, err := x.constants(filepath.Base(path))
		if err != nil {
			return nil, err
		}
		for name := range all {
			out[name] = true
		}
	}
	return out, nil
}

// A goConst is a constant of package unix: its value and its type, if named.
type goConst struct {
	value uint64
	typ   string
}

// constants evaluates the constant declarations of one file.
func (x *xsys) constants(name string) (map[string]goConst, error) {
	path := filepath.Join(x.dir, "unix", name)
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return nil, err
	}
	out := map[string]goConst{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if len(v.Names) != 1 || len(v.Values) != 1 {
				continue
			}
			if c, ok := evaluate(v.Values[0], out); ok {
				out[v.Names[0].Name] = c
			}
		}
	}
	return out, nil
}

// evaluate knows the forms the generated files have: a literal, -literal, a
// name, and Errno(x) or Signal(x).
func evaluate(e ast.Expr, known map[string]goConst) (goConst, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.INT && e.Kind != token.CHAR {
			return goConst{}, false
		}
		v := constant.MakeFromLiteral(e.Value, e.Kind, 0)
		u, exact := constant.Uint64Val(constant.ToInt(v))
		return goConst{value: u}, exact
	case *ast.UnaryExpr:
		c, ok := evaluate(e.X, known)
		if e.Op == token.SUB {
			c.value = -c.value
		}
		return c, ok && e.Op == token.SUB
	case *ast.Ident:
		c, ok := known[e.Name]
		return c, ok
	case *ast.CallExpr:
		c, ok := evaluate(e.Args[0], known)
		switch f := e.Fun.(type) {
		case *ast.SelectorExpr:
			c.typ = f.Sel.Name
		case *ast.Ident:
			c.typ = f.Name
		}
		return c, ok
	}
	return goConst{}, false
}

// syscalls returns the numbers of one port, by the kernel's names.
func (x *xsys) syscalls(goarch string) (map[string]int, error) {
	consts, err := x.constants("zsysnum_linux_" + goarch + ".go")
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for name, c := range consts {
		n, ok := strings.CutPrefix(name, "SYS_")
		if n = strings.ToLower(n); ok && !placeholder(n) {
			out[n] = int(c.value)
		}
	}
	if len(out) < 200 {
		return nil, fmt.Errorf("x/sys %s: only %s numbers for %s", x.version, strconv.Itoa(len(out)), goarch)
	}
	return out, nil
}

// placeholder reports names in the kernel's headers and tables that are no
// system calls: gaps, and macros that headers build numbers with.
func placeholder(name string) bool {
	return name == "arch_specific_syscall" || name == "syscall_mask" ||
		strings.HasPrefix(name, "reserved") || strings.HasPrefix(name, "unused")
}
