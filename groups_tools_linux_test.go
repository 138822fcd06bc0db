//go:build tools

package seccomp

import "testing"

// TestGoGroupsOfSupportedReleases fetches each Go release from the module
// proxy: the oldest that go.mod takes and all that are supported.
func TestGoGroupsOfSupportedReleases(t *testing.T) {
	for _, release := range []string{"go1.25.0", "go1.25.12", "go1.26.0", "go1.26.8", "go1.27.0"} {
		t.Run(release, func(t *testing.T) { checkGoGroups(t, buildGoProgram(t, release)) })
	}
}
