package arch

import "testing"

func BenchmarkNumber(b *testing.B) {
	i := info(b, "x86_64")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := i.Number("pidfd_send_signal"); !ok {
			b.Fatal("no pidfd_send_signal")
		}
	}
}

func BenchmarkSyscallName(b *testing.B) {
	i := info(b, "x86_64")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := i.SyscallName(424); !ok {
			b.Fatal("no 424")
		}
	}
}

func BenchmarkGetInfo(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := GetInfo("amd64"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFillMaps is what the first GetInfo of an ABI adds.
func BenchmarkFillMaps(b *testing.B) {
	i := info(b, "x86_64")
	table := i.table
	b.ReportAllocs()
	for b.Loop() {
		other := Info{table: table}
		other.fillMaps()
	}
}

func BenchmarkParams(b *testing.B) {
	i := info(b, "x86_64")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := i.Params("openat"); !ok {
			b.Fatal("no openat")
		}
	}
}

func BenchmarkConstant(b *testing.B) {
	i := info(b, "x86_64")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := i.Constant("CLONE_NEWUSER"); !ok {
			b.Fatal("no CLONE_NEWUSER")
		}
	}
}
