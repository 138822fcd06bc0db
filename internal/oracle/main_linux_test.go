package oracle_test

import (
	"os"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func TestMain(m *testing.M) {
	testchild.Dispatch()
	os.Exit(m.Run())
}
