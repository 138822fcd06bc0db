package testvm

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMirrorFrom(t *testing.T) {
	const uris = `'https://security.example/debian-security/dists/bookworm-security/InRelease' x 0 
'https://other.example/apt/dists/stable/InRelease' y 0 
'https://mirror.example/pub/debian/dists/bookworm/InRelease' z 0 
`
	if got, want := mirrorFrom(uris), "https://mirror.example/pub/debian"; got != want {
		t.Errorf("mirrorFrom = %q, want %q", got, want)
	}
	if got := mirrorFrom("Reading package lists...\n'https://m.example/ubuntu/dists/noble/InRelease' x 0\n"); got != "" {
		t.Errorf("mirrorFrom(ubuntu) = %q, want none", got)
	}
}

func TestImagePackage(t *testing.T) {
	const depends = `linux-image-amd64
 |Depends: linux-initramfs-tool
  Depends: linux-base-amd64
  PreDepends: linux-base
  Depends: <virtual-package>
  Depends: linux-image-7.2.12+deb14-amd64:amd64
`
	deps := dependsFrom(depends)
	want := []string{"linux-initramfs-tool", "linux-base-amd64", "linux-base", "linux-image-7.2.12+deb14-amd64:amd64"}
	if diff := cmp.Diff(want, deps); diff != "" {
		t.Errorf("dependsFrom (-want +got):\n%s", diff)
	}
	if pkg := imagePackage(deps); pkg != "linux-image-7.2.12+deb14-amd64" {
		t.Errorf("imagePackage = %q", pkg)
	}
	if pkg := imagePackage([]string{"linux-image-amd64", "linux-base"}); pkg != "" {
		t.Errorf("imagePackage = %q, want none", pkg)
	}
}

func TestDebFileFrom(t *testing.T) {
	got, err := debFileFrom("'https://m.example/pool/b/busybox/busybox-static_1%3a1.35_s390x.deb' busybox-static_1%3a1.35_s390x.deb 971 SHA256:abc\n")
	want := debFile{uri: "https://m.example/pool/b/busybox/busybox-static_1%3a1.35_s390x.deb", name: "busybox-static_1%3a1.35_s390x.deb", sha256: "abc"}
	if err != nil || got != want {
		t.Errorf("debFileFrom = %+v, %v", got, err)
	}
	for _, s := range []string{"", "'u' n 1 MD5Sum:abc", "'u' n 1"} {
		if _, err := debFileFrom(s); err == nil {
			t.Errorf("debFileFrom(%q): no error", s)
		}
	}
}

func TestUnpackImage(t *testing.T) {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write([]byte("the kernel")); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	zboot := make([]byte, 64, 200)
	copy(zboot, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(zboot[8:], 64)
	binary.LittleEndian.PutUint32(zboot[12:], uint32(packed.Len()))
	copy(zboot[24:], "gzip\x00")
	zboot = append(append(zboot, packed.Bytes()...), "padding"...)
	for name, raw := range map[string][]byte{"gzip": packed.Bytes(), "zboot": zboot} {
		if got, err := unpackImage(raw); err != nil || string(got) != "the kernel" {
			t.Errorf("%s: unpackImage = %q, %v", name, got, err)
		}
	}
	if got, err := unpackImage([]byte("\x7fELF...")); got != nil || err != nil {
		t.Errorf("ELF: unpackImage = %q, %v, want it left alone", got, err)
	}
	binary.LittleEndian.PutUint32(zboot[12:], 0xffffffff)
	if _, err := unpackImage(zboot); err == nil {
		t.Error("zboot with a payload beyond the file: no error")
	}
}

func TestSelect(t *testing.T) {
	gs, err := Select("s390x-*,i386-6.1", false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"i386-6.1", "s390x-6.1", "s390x-7"}, names(gs)); diff != "" {
		t.Errorf("Select (-want +got):\n%s", diff)
	}
	if _, err := Select("vax-*", false); err == nil {
		t.Error("Select of an unknown guest: no error")
	}
	if _, err := Select("[", false); err == nil {
		t.Error("Select of a malformed pattern: no error")
	}
	small, err := Select("", true)
	if err != nil || len(small) == 0 || len(small) >= len(Guests) {
		t.Errorf("the smaller set has %d of %d guests, %v", len(small), len(Guests), err)
	}
	seen := map[string]bool{}
	for _, g := range Guests {
		if seen[g.Name] {
			t.Errorf("two guests are called %s", g.Name)
		}
		seen[g.Name] = true
	}
}
