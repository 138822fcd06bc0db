module github.com/elastic/go-seccomp-bpf/bench/neutral

go 1.25.0
