package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	output
	sysroot     string
	libraryPath []string
	dlopen      []string
	withExec    []string
	target      string
	args        bool
	gated       bool
	action      string
	allow       []string
	block       []string
	unresolved  string
	decisions   string
	why         string
	diff        string
	list        bool
	quiet       bool
}

func newScan() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan [flags] executable",
		Short: "Write an allowlist of the system calls that an executable can make",
		Long: `Scan reads an executable and its libraries, without running anything, and
writes an allowlist policy. A system call instruction whose number cannot be
found is listed and makes scan fail with status 3, unless --unresolved or a
file of decisions says what to do with it.`,
		Example: `  seccomp-profiler scan ./server > server.yaml
  seccomp-profiler scan --args --out policy_{{.GOOS}}_{{.GOARCH}}.yaml ./server
  seccomp-profiler scan --why mount ./server
  seccomp-profiler scan --diff server.yaml ./server
  seccomp-profiler scan --sysroot /var/lib/image/rootfs --for oci /usr/sbin/nginx`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "yaml", "output format: yaml (the native one), "+strings.Join(formats(), ", "))
	fl.StringVar(&f.out, "out", "-", "output file, a template that may use {{.GOOS}} and {{.GOARCH}}")
	fl.StringVarP(&f.template, "template", "t", "", "template file of the Go code to write")
	fl.StringVar(&f.pkg, "pkg", "main", "package of the Go code to write")
	fl.StringSliceVar(&f.allow, "allow", nil, "calls to allow whether found or not")
	fl.StringSliceVarP(&f.block, "block", "b", nil, "calls to leave out of the policy")
	fl.StringVar(&f.action, "default-action", "kill_process", "action on all other calls")
	fl.BoolVar(&f.args, "args", false, "restrict arguments whose values are all known")
	fl.BoolVar(&f.gated, "gated", false, "include calls that only fields which the program never sets enable")
	fl.StringVar(&f.sysroot, "sysroot", "", "root directory of the libraries, such as a container image's")
	fl.StringSliceVar(&f.libraryPath, "library-path", nil, "directories searched for libraries first")
	fl.StringSliceVar(&f.dlopen, "dlopen", nil, "libraries that the program loads while it runs")
	fl.StringSliceVar(&f.withExec, "with-exec", nil, "programs that it runs, whose calls are added")
	fl.StringVar(&f.target, "for", "", "oci: add what runc and crun call after the filter is set")
	fl.StringVar(&f.unresolved, "unresolved", "fail", "on calls with unknown numbers: fail, allow-all or ignore")
	fl.StringVar(&f.decisions, "decisions", "", "file of decisions about calls with unknown numbers")
	fl.StringVar(&f.why, "why", "", "say why a call is in the list instead of writing a policy")
	fl.StringVar(&f.diff, "diff", "", "say what changed since a policy was written, instead of writing one")
	fl.BoolVar(&f.list, "list", false, "list calls with grade and evidence instead of writing a policy")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no notes")
	return cmd
}

func (f *scanFlags) run(cmd *cobra.Command, path string) error {
	action, err := seccomp.ParseAction(f.action)
	if err != nil {
		return fmt.Errorf("--default-action: %w", err)
	}
	if f.target != "" && f.target != "oci" {
		return fmt.Errorf("--for %s: unknown target (want oci)", f.target)
	}
	why := f.why
	if f.list || f.diff != "" {
		why = "*"
	}
	errw := cmd.ErrOrStderr()
	res, err := f.scan(cmd.Context(), errw, path, why)
	if err != nil {
		return err
	}
	results := []*elfscan.Result{res}
	for _, p := range f.withExec {
		r, err := f.scan(cmd.Context(), errw, p, why)
		if err != nil {
			return fmt.Errorf("--with-exec: %w", err)
		}
		if r.ABI != res.ABI {
			return fmt.Errorf("--with-exec: %s is for %s, %s for %s", p, r.ABI, path, res.ABI)
		}
		results = append(results, r)
	}
	if f.why != "" {
		return explain(cmd.OutOrStdout(), results, f.why)
	}
	if f.list {
		return list(cmd.OutOrStdout(), results)
	}
	f.report(errw, results)
	extra, err := f.decide(errw, results)
	if err != nil {
		return err
	}
	policy, err := f.policy(errw, results, action, extra)
	if err != nil {
		return err
	}
	if f.diff != "" {
		return diff(cmd.OutOrStdout(), f.diff, policy, results)
	}
	return f.write(cmd.OutOrStdout(), policy, res)
}

func (f *scanFlags) scan(ctx context.Context, errw io.Writer, path, why string) (*elfscan.Result, error) {
	file, err := f.open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	opt := &elfscan.Options{Path: path, Sysroot: f.sysroot, LibraryPath: f.libraryPath, Dlopen: f.dlopen}
	if why != "" {
		opt.Why = []string{why}
	}
	bar := newProgress(errw, path, f.quiet)
	defer bar.finish()
	opt.Progress = bar.update
	return elfscan.Scan(ctx, file, opt)
}

func (f *scanFlags) open(path string) (*os.File, error) {
	if f.sysroot != "" {
		inside, err := elfscan.ResolveIn(f.sysroot, path)
		if err != nil {
			return nil, err
		}
		if file, err := os.Open(inside); err == nil {
			return file, nil
		}
	}
	return os.Open(path)
}

// policy unites the policies of the results.
func (f *scanFlags) policy(errw io.Writer, results []*elfscan.Result, action seccomp.Action, extra []string) (*seccomp.Policy, error) {
	allow := append(append([]string(nil), f.allow...), extra...)
	if f.target == "oci" {
		allow = append(allow, elfscan.OCICalls(results[0].ABI)...)
	}
	var policies []*seccomp.Policy
	for _, r := range results {
		p, notes, err := r.Policy(&elfscan.PolicyOptions{DefaultAction: action, Args: f.args, Gated: f.gated, Allow: allow, Block: f.block})
		if err != nil {
			return nil, err
		}
		if !f.quiet {
			for _, n := range notes {
				fmt.Fprintf(errw, "%s: %s\n", r.Path, n)
			}
		}
		policies = append(policies, p)
	}
	return elfscan.Union(policies...), nil
}

// report prints what the user should know besides the policy.
func (f *scanFlags) report(w io.Writer, results []*elfscan.Result) {
	if f.quiet {
		return
	}
	for _, r := range results {
		if r.Script != "" {
			fmt.Fprintf(w, "%s: warning: a script: %s\n", r.Path, r.Script)
		}
		for _, n := range r.Notes {
			fmt.Fprintf(w, "%s: %s\n", r.Path, n)
		}
		if len(r.Execs) > 0 {
			fmt.Fprintf(w, "%s: runs %s (add their calls with --with-exec)\n", r.Path, strings.Join(r.Execs, ", "))
		}
		if len(f.dlopen) == 0 && len(r.Loads) > 0 {
			var names []string
			for _, l := range r.Loads {
				names = append(names, l.Function)
			}
			fmt.Fprintf(w, "%s: may load libraries through %s (add them with --dlopen)\n", r.Path, strings.Join(names, ", "))
		}
		if r.Partial {
			fmt.Fprintf(w, "%s: warning: the result is partial\n", r.Path)
		}
	}
}
