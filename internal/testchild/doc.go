// Package testchild runs a function of a test binary in a child process, for
// tests of what a process cannot take back: filters, no_new_privs, signals,
// deaths.
//
//	func TestMain(m *testing.M) {
//		testchild.Dispatch()
//		os.Exit(m.Run())
//	}
//
//	var confine = testchild.New("confine", func(in []byte) ([]byte, error) {
//		// in the child
//		return []byte("confined " + string(in)), nil
//	})
//
//	func TestConfine(t *testing.T) {
//		out := confine.Run(t, []byte("myself")) // in the test
//		...
//	}
//
// # How can a child look like a pass without having run?
//
// It cannot. The child is the same binary; its first act in the function's
// name is to echo a number drawn for this one call, its last to hand over what
// the function returned. Without the first, every way of running it is an
// error (a TestMain without Dispatch, a function of another name, a crash
// before); without the second, [Func.Run] fails the test and [Result.Returned]
// is false. A child that is expected to die should say with [Report] how far
// it came, lest it die too early and for another reason.
//
// # On which thread does the function run?
//
// On the child's main thread, and the calling goroutine is locked to it. The
// Go runtime has started other threads by then, and starts later ones from a
// thread that runs no Go code of the program, so a filter on one thread
// confines that thread only, until it is synchronised to all. [OnThread] runs
// something on another thread and ends that thread.
//
// # What is left behind?
//
// Nothing: on a timeout the child, and no other process, gets SIGQUIT (its
// stacks are then part of the error) and, five seconds later, SIGKILL. A
// function that starts processes of its own must end them itself.
package testchild

// TimeoutVariable replaces DefaultTimeout, as time.ParseDuration reads it, on
// machines that are slow for a reason: emulated ones.
const TimeoutVariable = "SECCOMP_TESTCHILD_TIMEOUT"
