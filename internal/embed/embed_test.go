package embed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

func program(t *testing.T, machine string) *Program {
	t.Helper()
	abi, err := arch.GetInfo(machine)
	if err != nil {
		t.Fatal(err)
	}
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		ABIs:          []string{machine},
		Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: []string{"read", "exit_group"},
			NamesWithConditions: []seccomp.NameWithConditions{{Name: "socket",
				Conditions: seccomp.ArgumentConditions{{Operation: seccomp.Equal, Value: 1}}}}}},
	}
	compiled, err := policy.Compile(&seccomp.CompileOptions{ABI: abi})
	if err != nil {
		t.Fatal(err)
	}
	return &Program{Compiled: compiled, Policy: "dir/web.yaml", Text: []byte("the text"), Name: "webFilter", Package: "app"}
}

// TestRaw reads the bytes as the kernel's struct sock_filter: a 16-bit code,
// two bytes, a 32-bit constant, in the machine's order.
func TestRaw(t *testing.T) {
	for machine, order := range map[string]binary.ByteOrder{"x86_64": binary.LittleEndian, "s390x": binary.BigEndian} {
		p := program(t, machine)
		want := p.Compiled.Raw()
		raw := p.Raw(order)
		if len(raw) != 8*len(want) {
			t.Fatalf("%s: %d bytes for %d instructions", machine, len(raw), len(want))
		}
		for i, in := range want {
			b := raw[8*i:]
			got := bpf.RawInstruction{Op: order.Uint16(b), Jt: b[2], Jf: b[3], K: order.Uint32(b[4:])}
			if got != in {
				t.Errorf("%s: instruction %d is %+v, want %+v", machine, i, got, in)
			}
		}
	}
}

var cLine = regexp.MustCompile(`(?m)^\t\{ (0x[0-9a-f]+), +(\d+), +(\d+), (0x[0-9a-f]+) \}, /\* +(\d+): .* \*/$`)

func TestC(t *testing.T) {
	p := program(t, "x86_64")
	out, err := p.C()
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	for _, want := range []string{"compile web.yaml;", "ABIs: x86_64", hash("the text"), "#include <linux/filter.h>", "static const struct sock_filter webFilter[] = {\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	lines := cLine.FindAllStringSubmatch(text, -1)
	if len(lines) != len(p.Compiled.Raw()) {
		t.Fatalf("%d lines for %d instructions", len(lines), len(p.Compiled.Raw()))
	}
	for i, in := range p.Compiled.Raw() {
		if got := number(t, lines[i][1:5]); got != [4]uint64{uint64(in.Op), uint64(in.Jt), uint64(in.Jf), uint64(in.K)} {
			t.Errorf("line %d is %v, want %+v", i, got, in)
		}
		if lines[i][5] != strconv.Itoa(i) {
			t.Errorf("line %d is numbered %s", i, lines[i][5])
		}
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func number(t *testing.T, texts []string) (out [4]uint64) {
	t.Helper()
	for i, s := range texts {
		v, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

// TestGo parses the file that is written.
func TestGo(t *testing.T) {
	for machine, constraint := range map[string]string{"x86_64": "linux && amd64", "s390x": "linux && s390x"} {
		p := program(t, machine)
		out, err := p.Go()
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), "z.go", out, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if file.Name.Name != "app" || !bytes.Contains(out, []byte("\n//go:build "+constraint+"\n")) {
			t.Errorf("package %s, or no constraint %q:\n%s", file.Name.Name, constraint, out[:300])
		}
		if !ast.IsGenerated(file) {
			t.Error("it does not say that it is generated")
		}
		var rows [][]string
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && lit.Type == nil {
				var row []string
				for _, e := range lit.Elts {
					row = append(row, e.(*ast.KeyValueExpr).Value.(*ast.BasicLit).Value)
				}
				rows = append(rows, row)
			}
			return true
		})
		if len(rows) != len(p.Compiled.Raw()) {
			t.Fatalf("%d rows for %d instructions", len(rows), len(p.Compiled.Raw()))
		}
		for i, in := range p.Compiled.Raw() {
			if got := number(t, rows[i]); got != [4]uint64{uint64(in.Op), uint64(in.Jt), uint64(in.Jf), uint64(in.K)} {
				t.Errorf("row %d is %v, want %+v", i, got, in)
			}
		}
		if !regexp.MustCompile(`PolicySHA256:\s+"` + hash("the text") + `",\s+ABIs:\s+\[\]string\{"` + machine + `"\},`).Match(out) {
			t.Errorf("no hash or no ABIs in:\n%s", out)
		}
	}
}

func TestGoPackage(t *testing.T) {
	p := program(t, "x86_64")
	p.Package = ""
	t.Setenv("GOPACKAGE", "generated")
	if out, err := p.Go(); err != nil || !bytes.Contains(out, []byte("\npackage generated\n")) {
		t.Errorf("$GOPACKAGE is not heeded (%v)", err)
	}
	t.Setenv("GOPACKAGE", "")
	if out, err := p.Go(); err != nil || !bytes.Contains(out, []byte("\npackage main\n")) {
		t.Errorf("without $GOPACKAGE it is not package main (%v)", err)
	}
}

// TestNames: nothing that comes from outside becomes code.
func TestNames(t *testing.T) {
	for _, name := range []string{"", "2x", "a b", "x[1]; int y", "type;", "größe"} {
		p := program(t, "x86_64")
		p.Name = name
		if _, err := p.C(); err == nil {
			t.Errorf("C: an array named %q", name)
		}
		if _, err := p.Go(); err == nil {
			t.Errorf("Go: a variable named %q", name)
		}
	}
	p := program(t, "x86_64")
	p.Policy = "*\\n/evil */ int x; \nvar y int"
	c, err := p.C()
	if err != nil || bytes.Count(c, []byte("*/")) != 1+len(p.Compiled.Raw()) {
		t.Errorf("the policy's name ends the comment (%v):\n%s", err, c[:200])
	}
	g, err := p.Go()
	if err != nil || bytes.Contains(g, []byte("\nvar y")) {
		t.Errorf("the policy's name ends the comment (%v)", err)
	}
}

func TestIdentifier(t *testing.T) {
	for name, want := range map[string]string{"web": "webFilter", "web-app": "webAppFilter", "9p.server": "pServerFilter", "": "filter", "--": "filter", "Web_2": "Web2Filter"} {
		if got := Identifier(name); got != want {
			t.Errorf("Identifier(%q) = %q, want %q", name, got, want)
		}
	}
}
