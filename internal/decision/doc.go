// Package decision represents what a seccomp filter decides: a function from
// struct seccomp_data to a 32-bit return value, as a hash-consed decision
// diagram. Two filters decide alike exactly when their diagrams are the same
// node of one Space.
package decision
