package elfscan

import (
	"errors"
	"syscall"
)

// isNotLink reports that a path is there but is no symbolic link.
func isNotLink(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTDIR)
}
