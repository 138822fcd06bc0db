// Package explain turns what filters decide into words, policies, differences
// and drawings.
package explain
