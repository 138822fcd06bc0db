package seccomp

import (
	"errors"
	"fmt"
)

// ErrNotSupported is what errors about features that the running system lacks
// are, by errors.Is. They are errors.ErrUnsupported as well.
var ErrNotSupported = errors.New("not supported by the running system")

// An UnsupportedError names a feature that the running system lacks.
type UnsupportedError struct {
	Feature string // what is missing, such as "action user_notify"
	Since   string // the Linux version that has it, such as "5.0"; empty on another system
}

func (e *UnsupportedError) Error() string {
	if e.Since == "" {
		return e.Feature + " is not supported: it needs Linux"
	}
	return fmt.Sprintf("%s is not supported by the running kernel: Linux %s and later have it", e.Feature, e.Since)
}

// Is makes e ErrNotSupported and errors.ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool {
	return target == ErrNotSupported || target == errors.ErrUnsupported
}

// A ThreadSyncError says that FilterFlagTSync could not put the filter on all
// threads because one has a filter that the calling thread does not have. No
// thread has got the new filter.
type ThreadSyncError struct {
	TID int // the thread that has diverged; 0 when FilterFlagTSyncESRCH kept the kernel from telling
}

func (e *ThreadSyncError) Error() string {
	which := fmt.Sprintf("thread %d has", e.TID)
	if e.TID == 0 {
		which = "a thread has"
	}
	return "load filter: " + which + " seccomp filters that the calling thread does not have, so it cannot be synchronised; " +
		"load filters for all threads (tsync) before any for a single one"
}
