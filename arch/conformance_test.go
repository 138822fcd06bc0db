package arch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestConformanceNumbers compares audit architectures and numbers with those
// that the shared conformance vectors state.
func TestConformanceNumbers(t *testing.T) {
	const dir = "../../shared/conformance/libseccomp"
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the conformance vectors are not present")
	}
	seen, compared := map[string]bool{}, 0
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Vectors []struct {
				Arch  string `json:"arch"`
				Audit uint32 `json:"audit_arch"`
			} `json:"vectors"`
			// By name and ABI. Mux is the number of socketcall or ipc and the sub-call.
			Numbers map[string]map[string]struct {
				Direct *uint32 `json:"direct"`
				Mux    []uint32
			} `json:"syscall_numbers"`
		}
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, v := range file.Vectors {
			if i := info(t, v.Arch); uint32(i.ID) != v.Audit {
				t.Errorf("%s: %s is %#x, the vectors say %#x", filepath.Base(path), v.Arch, uint32(i.ID), v.Audit)
			}
			seen[v.Arch] = true
		}
		for name, abis := range file.Numbers {
			for abi, want := range abis {
				i := info(t, abi)
				compared++
				nr, ok := i.Number(name)
				if want.Direct == nil && ok || want.Direct != nil && (!ok || nr != *want.Direct) {
					t.Errorf("%s: %s on %s is %d, %v; the vectors say %+v", filepath.Base(path), name, abi, nr, ok, want)
				}
				call, sub, ok := i.Multiplexed(name)
				via, _ := i.Number(call)
				if ok != (want.Mux != nil) || ok && (via != want.Mux[0] || sub != want.Mux[1]) {
					t.Errorf("%s: %s on %s is %s(%d), %v; the vectors say %+v", filepath.Base(path), name, abi, call, sub, ok, want.Mux)
				}
			}
		}
	}
	for _, abi := range []string{"sh", "sheb", "m68k", "parisc", "parisc64", "s390", "x32"} {
		if !seen[abi] {
			t.Errorf("no vector is for %s", abi)
		}
	}
	t.Logf("compared %d numbers on %d ABIs", compared, len(seen))
}
