module github.com/elastic/go-seccomp-bpf/bench

go 1.25.0

require (
	github.com/elastic/go-seccomp-bpf v0.0.0
	github.com/elastic/go-seccomp-bpf/bench/neutral v0.0.0
	golang.org/x/sys v0.47.0
)

require golang.org/x/net v0.58.0 // indirect

replace (
	github.com/elastic/go-seccomp-bpf => ..
	github.com/elastic/go-seccomp-bpf/bench/neutral => ./neutral
)
