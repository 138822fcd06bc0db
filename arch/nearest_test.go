package arch

import "testing"

func TestNearestConstants(t *testing.T) {
	i := info(t, "x86_64")
	for misspelt, want := range map[string]string{"O_REDONLY": "O_RDONLY", "TIOCSTT": "TIOCSTI", "af_netlnk": "AF_NETLINK", "CLONE_NEWUSR": "CLONE_NEWUSER"} {
		near := i.NearestConstants(misspelt, 3)
		if len(near) == 0 || len(near) > 3 || near[0] != want {
			t.Errorf("%s: nearest are %v, want %s first", misspelt, near, want)
		}
	}
	if near := i.NearestConstants("QQQQQQQQQQQQQQ", 3); len(near) != 0 {
		t.Errorf("%v resemble nothing", near)
	}
}
