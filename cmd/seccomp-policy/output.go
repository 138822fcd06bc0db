package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"
	"golang.org/x/term"

	"github.com/elastic/go-seccomp-bpf/internal/explain"
)

// outputFlags say how a command prints what it found.
type outputFlags struct {
	format  string
	color   string
	noPager bool
	formats []string
}

func (f *outputFlags) register(cmd *cobra.Command, formats ...string) {
	f.formats = formats
	flags := cmd.Flags()
	flags.StringVarP(&f.format, "output", "o", formats[0], "`format`: "+strings.Join(formats, ", "))
	flags.StringVar(&f.color, "color", "auto", "`when` to colour: auto, always, never (auto: on a terminal, unless NO_COLOR is set)")
	flags.BoolVar(&f.noPager, "no-pager", false, "print long text at once, also on a terminal")
	complete(cmd, "output", func() []string { return formats })
	complete(cmd, "color", func() []string { return []string{"auto", "always", "never"} })
}

// check refuses unknown values.
func (f *outputFlags) check() error {
	if !slices.Contains(f.formats, f.format) {
		return fmt.Errorf("--output %q: want one of %s", f.format, strings.Join(f.formats, ", "))
	}
	if !slices.Contains([]string{"auto", "always", "never"}, f.color) {
		return fmt.Errorf("--color %q: want auto, always or never", f.color)
	}
	return nil
}

// style is how text is printed to where a command prints.
func (f *outputFlags) style(w io.Writer) explain.Style {
	width, terminal := terminalWidth(w)
	color := f.color == "always" || f.color == "auto" && terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return explain.Style{Width: width, Color: color}
}

func terminalWidth(w io.Writer) (width int, terminal bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, true
	}
	return max(width, 40), true
}

// structured prints a value as JSON or YAML; false for other formats.
func (f *outputFlags) structured(w io.Writer, v any) (bool, error) {
	switch f.format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return true, enc.Encode(v)
	case "yaml":
		text, err := json.Marshal(v)
		if err != nil {
			return true, err
		}
		var node yaml.Node // JSON is YAML; the keys stay in order
		if err := yaml.Unmarshal(text, &node); err != nil {
			return true, err
		}
		plain(&node)
		out, err := yaml.Marshal(&node)
		if err == nil {
			_, err = w.Write(out)
		}
		return true, err
	}
	return false, nil
}

// plain takes JSON's notation off a document.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}

// print shows text, through a pager when it is long and goes to a terminal.
func (f *outputFlags) print(w io.Writer, text []byte) error {
	if file, ok := w.(*os.File); ok && !f.noPager && term.IsTerminal(int(file.Fd())) {
		if _, height, err := term.GetSize(int(file.Fd())); err == nil && bytes.Count(text, []byte("\n")) >= height {
			if done, err := page(file, text); done {
				return err
			}
		}
	}
	_, err := w.Write(text)
	return err
}

// page runs the pager; false when there is none.
func page(to *os.File, text []byte) (bool, error) {
	command := []string{"less", "-FRX"}
	if p := strings.Fields(os.Getenv("PAGER")); len(p) > 0 {
		command = p
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return false, nil
	}
	pager := exec.Command(path, command[1:]...)
	pager.Stdin, pager.Stdout, pager.Stderr = bytes.NewReader(text), to, os.Stderr
	err = pager.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil // the reader had seen enough
	}
	return true, err
}
