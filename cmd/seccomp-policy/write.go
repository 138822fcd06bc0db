package main

import (
	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/internal/outfile"
)

// writeOutput writes to a file, whole or not at all, or to standard output.
func writeOutput(cmd *cobra.Command, name string, data []byte) error {
	if name == "-" {
		_, err := cmd.OutOrStdout().Write(data)
		return err
	}
	return outfile.Write(name, data)
}
