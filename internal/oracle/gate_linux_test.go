//go:build !amd64

package oracle_test

const (
	hasGate    = false
	gateGetpid = 0
)

//go:norace
//go:nosplit
func throughGate(*[7]uint32) uint32 { return 0 }

//go:norace
//go:nosplit
func faultsEnd() {}
