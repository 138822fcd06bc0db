module github.com/elastic/go-seccomp-bpf/bench/gvisor

go 1.25.0

require (
	github.com/elastic/go-seccomp-bpf/bench/neutral v0.0.0
	gvisor.dev/gvisor v0.0.0-20250503011706-39ed1f5ac29c
)

require (
	golang.org/x/sys v0.26.0 // indirect
	golang.org/x/time v0.7.0 // indirect
)

replace github.com/elastic/go-seccomp-bpf/bench/neutral => ../neutral
