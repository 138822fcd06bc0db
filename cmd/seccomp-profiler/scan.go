package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	output
	view
	sysroot       string
	searchFirst   []string
	dlopen        []string
	withExec      []string
	target        string
	args          bool
	numbers       bool
	gated         bool
	action        string
	allow         nameList
	block         nameList
	unresolved    string
	decisions     string
	quiet         bool
	defaultFormat string
}

func newScan() *cobra.Command {
	f := scanFlags{defaultFormat: "yaml"}
	cmd := &cobra.Command{
		Use:     "scan [flags] EXECUTABLE",
		Short:   "Write an allowlist of the system calls that an executable can make",
		Long:    scanLong,
		Example: scanExamples,
		Args:    oneExecutable,
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	f.defineOriginal(cmd, "kill_process")
	fl.StringVar(&f.action, "default-action", f.action, "`action` on all other calls: kill_process, errno, log, trap ...")
	fl.BoolVar(&f.args, "args", false, "restrict arguments whose values are all known")
	fl.BoolVar(&f.numbers, "numbers", false, "write the values of arguments as numbers instead of names")
	fl.BoolVar(&f.gated, "gated", false, "include calls that only what the program is not seen to do would enable")
	fl.StringVar(&f.sysroot, "sysroot", "", "root `directory` of the libraries, such as a container image's")
	fl.StringSliceVar(&f.searchFirst, "library-path", nil, "`directories` searched for libraries first")
	fl.StringSliceVar(&f.dlopen, "dlopen", nil, "`libraries` that the program loads while it runs")
	fl.StringSliceVar(&f.withExec, "with-exec", nil, "`programs` that it runs, whose calls are added")
	fl.StringVar(&f.target, "for", "", "`oci`: add what runc and crun call after the filter is set")
	fl.StringVar(&f.unresolved, "unresolved", "fail", "on calls with unknown numbers: `fail`, allow-all or ignore")
	fl.StringVar(&f.decisions, "decisions", "", "`file` of decisions about calls with unknown numbers")
	fl.Var(&f.why, "why", "say why these `calls` are in the list, instead of writing a policy")
	fl.BoolVar(&f.list, "list", false, "list calls with grade and evidence, instead of writing a policy")
	fl.StringVar(&f.diff, "diff", "", "say what changed since a policy `file` was written, instead of writing one")
	fl.StringVarP(&f.form, "output", "o", "text", "`form` of what --list, --why and --diff say: text, json; json alone is --list")
	fl.StringVar(&f.color, "color", "auto", "`when` to colour: auto, always, never (auto: on a terminal, unless NO_COLOR is set)")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no notes")
	f.completions(cmd)
	return cmd
}

func oneExecutable(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fmt.Errorf("%s reads one executable, not %d; for programs that it runs there is --with-exec (see --help)", cmd.Name(), len(args))
}

// defineOriginal defines the flags that the original tool has too.
func (f *scanFlags) defineOriginal(cmd *cobra.Command, action string) {
	f.action, f.form, f.color, f.unresolved = action, "text", "auto", "fail"
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "", "output `format`: "+formatHelp()+" (default: by the name of the output file, else "+f.defaultFormat+")")
	fl.StringVar(&f.out, "out", "-", "output `file`, a template that may use {{.GOOS}} and {{.GOARCH}}; \"-\" for standard output")
	fl.StringVarP(&f.template, "template", "t", "", "template `file` of the code to write")
	fl.StringVar(&f.pkg, "pkg", "main", "`package` of the Go code to write")
	fl.Var(&f.allow, "allow", "calls and @groups to allow whether found or not")
	fl.VarP(&f.block, "block", "b", "calls and @groups to leave out when found")
	fl.BoolVarP(&f.debug, "debug", "d", false, "say in yaml above each call where it comes from")
}

func (f *scanFlags) completions(cmd *cobra.Command) {
	complete(cmd, "format", formats)
	complete(cmd, "for", func() []string { return []string{"oci"} })
	complete(cmd, "unresolved", func() []string { return unresolvedChoices })
	complete(cmd, "output", func() []string { return []string{"text", "json"} })
	complete(cmd, "color", func() []string { return []string{"auto", "always", "never"} })
	complete(cmd, "default-action", func() []string { return []string{"kill_process", "errno", "log", "trap", "user_notify"} })
	for _, flag := range []string{"allow", "block", "why"} {
		complete(cmd, flag, callNames)
	}
}

// check refuses values that flags do not have.
func (f *scanFlags) check() (seccomp.Action, error) {
	action, err := seccomp.ParseAction(f.action)
	if err != nil {
		return 0, fmt.Errorf("--default-action: %w", err)
	}
	if f.target != "" && f.target != "oci" {
		return 0, fmt.Errorf("--for %s: unknown target (want oci)", f.target)
	}
	if !slices.Contains(unresolvedChoices, f.unresolved) {
		return 0, fmt.Errorf("--unresolved %s: want %s", f.unresolved, strings.Join(unresolvedChoices, ", "))
	}
	for _, name := range f.why {
		if err := checkCall(name); err != nil {
			return 0, fmt.Errorf("--why: %w", err)
		}
	}
	if err := f.view.check(); err != nil {
		return 0, err
	}
	return action, f.output.check(f.defaultFormat)
}

func (f *scanFlags) run(cmd *cobra.Command, path string) error {
	action, err := f.check()
	if err != nil {
		return err
	}
	results, err := f.scanAll(cmd.Context(), cmd.ErrOrStderr(), path)
	if err != nil {
		return err
	}
	stdout, notes := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if f.quiet {
		notes = io.Discard
	}
	if f.lists() {
		return f.showAll(stdout, results)
	}
	report(notes, results, f.withExec, f.dlopen)
	warnPartial(cmd.ErrOrStderr(), results)
	extra, err := f.decide(cmd.ErrOrStderr(), results)
	if err != nil {
		return err
	}
	policy, err := f.policy(notes, results, action, extra)
	if err != nil {
		return err
	}
	if f.diff != "" {
		return f.showDiff(stdout, policy, results)
	}
	return f.write(stdout, policy, results)
}

// showAll prints what was found. The whole has the sites with unknown numbers,
// and they end the run as they do when a policy is asked for; an answer to
// --why does not depend on them.
func (f *scanFlags) showAll(w io.Writer, results []*elfscan.Result) error {
	if err := f.show(w, results); err != nil || len(f.why) > 0 {
		return err
	}
	_, err := f.decide(io.Discard, results)
	return err
}

// scanAll scans the program and those that it runs.
func (f *scanFlags) scanAll(ctx context.Context, errw io.Writer, path string) ([]*elfscan.Result, error) {
	res, err := f.scan(ctx, errw, path)
	if err != nil {
		return nil, err
	}
	results, also := []*elfscan.Result{res}, f.withExec
	if res.EnvProgram != "" {
		program, err := f.lookPath(res.EnvProgram)
		if err == nil {
			also = append([]string{program}, also...)
		} else if len(also) == 0 {
			return nil, fmt.Errorf("%s: the program that its interpreter %q runs: %w (name it with --with-exec)", path, res.Script, err)
		}
	}
	for _, p := range also {
		r, err := f.scan(ctx, errw, p)
		if err != nil {
			return nil, fmt.Errorf("--with-exec: %w", err)
		}
		if r.ABI != res.ABI {
			return nil, fmt.Errorf("--with-exec: %s is for %s, %s for %s", p, r.ABI, path, res.ABI)
		}
		results = append(results, r)
	}
	return results, nil
}

func (f *scanFlags) scan(ctx context.Context, errw io.Writer, path string) (*elfscan.Result, error) {
	path = f.inRoot(path)
	file, err := f.open(errw, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	opt := &elfscan.Options{Path: path, Sysroot: f.sysroot, LibraryPath: f.searchFirst, Dlopen: f.dlopen, Why: f.why}
	if f.diff != "" || f.lists() && len(f.why) == 0 {
		opt.Why = []string{"*"}
	}
	bar := newProgress(errw, path, f.quiet)
	defer bar.finish()
	opt.Progress = bar.update
	return elfscan.Scan(ctx, file, opt)
}

// open opens the program below --sysroot, or on this machine if it is not
// there, which is told: it may be another program of the same name.
func (f *scanFlags) open(errw io.Writer, path string) (*os.File, error) {
	if f.sysroot == "" {
		return openRegular(path)
	}
	inside, err := elfscan.ResolveIn(f.sysroot, path)
	if err != nil {
		return nil, err
	}
	file, err := openRegular(inside)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if file, err = openRegular(path); err != nil {
		return nil, fmt.Errorf("%w, nor below --sysroot %s", err, f.sysroot)
	}
	if !f.quiet {
		fmt.Fprintf(errw, "%s: not below --sysroot %s: read from this machine\n", path, f.sysroot)
	}
	return file, nil
}

// standardPath is where env(1) is taken to look below --sysroot.
const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookPath finds a program as env(1) does.
func (f *scanFlags) lookPath(name string) (string, error) {
	if f.sysroot == "" {
		return exec.LookPath(name)
	}
	for _, dir := range filepath.SplitList(standardPath) {
		file := path.Join(dir, name)
		if inside, err := elfscan.ResolveIn(f.sysroot, file); err == nil {
			if st, err := os.Stat(inside); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("%s: not below --sysroot %s in %s", name, f.sysroot, standardPath)
}

// openRegular does not wait for a FIFO's writer, nor touch a device.
func openRegular(path string) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	return os.Open(path)
}

// inRoot is a path as programs below --sysroot see it, if it is given as this
// machine sees it: $ORIGIN and links count from there.
func (f *scanFlags) inRoot(path string) string {
	root, err1 := filepath.Abs(f.sysroot)
	abs, err2 := filepath.Abs(path)
	if f.sysroot == "" || err1 != nil || err2 != nil {
		return path
	}
	if inside, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(inside) {
		return "/" + inside
	}
	return path
}
