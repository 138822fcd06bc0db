package main

const scanLong = `Read an executable and the libraries that it needs, without running anything, and
write a policy that allows the system calls it can make and refuses all others.

Go programs of any build (stripped, PIE, cgo), and C, C++ and Rust, static or
dynamic, are read; for x86_64, i386, aarch64, arm, riscv64, ppc64, ppc64le, s390x
and loongarch64, on any machine. Of a script the interpreter is read.

What to look at
  --list          every call with its grade and where it comes from
  --why mount     the shortest way from main to a call, and what would enable it
  -o json         all that is known, for programs (docs/schema/scan-1.json;
                  with --diff, scan-diff-1.json)
  --diff OLD      what changed since a policy was written, and by which function

The grade of a call says how sure it is that the program needs it:
  kernel     the kernel makes it, or it ends the program
  runtime    the Go runtime needs it
  reachable  some path from the program's entry leads to it
  gated      only a field such as SysProcAttr.Chroot that this program never sets,
             or something else that it is not seen to do (--why says what), leads
             to it; not in the policy without --gated

What the policy does not know
  A system call whose number is computed is listed and ends scan with status 3,
  until it is decided about, in a file that you keep with the program,

      decisions:
      - function: main.run         # as listed
        module: server             # optional
        offset: 0x4c               # optional
        allow: [getpid, getppid]   # or ignore: true
        reason: the number is one of two

  (--decisions FILE), or for all with --unresolved ignore or allow-all.
  Libraries that the program loads while it runs are told (dlopen, NSS, iconv):
  add those that it loads with --dlopen. Programs that it runs are told where
  their names are constant: they inherit the policy, so add their calls with
  --with-exec.

Formats
  yaml      the native policy (also written as config)
  json      the same as JSON
  code      Go: a seccomp.Policy, by the template of -t if there is one. The
            template has .Package, .GOOS, .GOARCH, .SyscallNames, .Conditions,
            .DefaultAction, .Header, .BuildID, .GoVersion, .Binary and .Policy
  go, c     the compiled program, embedded in a Go or C file
  raw       the compiled program, an array of struct sock_filter

Exit status: 0; 1 on errors; 3 if calls with unknown numbers are left to decide
about, also with --list and -o json; 4 if --diff found changes; 130 when
interrupted.`

const scanExamples = `  seccomp-profiler scan ./server > server.yaml
  seccomp-profiler scan --args --out policy.yaml ./server
  seccomp-profiler scan -t policy.tmpl -pkg server -out policy_{{.GOOS}}_{{.GOARCH}}.go ./server
  seccomp-profiler scan --why mount,chroot ./server
  seccomp-profiler scan --diff server.yaml ./server
  seccomp-profiler scan --with-exec /usr/bin/git ./server
  seccomp-profiler scan --sysroot /var/lib/image/rootfs --for oci /usr/sbin/nginx`
