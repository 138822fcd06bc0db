// Package buildversion tells which version of the module a command is.
package buildversion

import "runtime/debug"

// String is the module's version where the command was built from one,
// "(devel)" elsewhere.
func String() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
