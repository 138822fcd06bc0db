// Package outfile writes the files that users name for output.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
)

// Write writes a file whole or leaves it as it was (but not on Windows). A file
// that exists keeps its permissions, a symbolic link its place, and a device or
// pipe is written to.
func Write(name string, data []byte) error {
	err := write(name, data)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err // of a temporary file that the user knows nothing about
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

func write(name string, data []byte) error {
	if info, err := os.Lstat(name); err == nil && info.Mode().Type() == fs.ModeSymlink {
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	}
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return errors.New("it is a directory")
	case err == nil && !info.Mode().IsRegular():
		return os.WriteFile(name, data, 0o666)
	}
	return maybe.WriteFile(name, data, 0o666)
}
