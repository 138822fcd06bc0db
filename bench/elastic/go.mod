module github.com/elastic/go-seccomp-bpf/bench/elastic

go 1.25.0

require (
	github.com/elastic/go-seccomp-bpf v1.6.0
	github.com/elastic/go-seccomp-bpf/bench/neutral v0.0.0
	golang.org/x/net v0.41.0
)

require golang.org/x/sys v0.33.0 // indirect

replace github.com/elastic/go-seccomp-bpf/bench/neutral => ../neutral
