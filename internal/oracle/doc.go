// Package oracle decides system calls by the written meaning of a
// seccomp.Policy, one group, entry and condition after the other.
//
// It is what tests hold programs against. To be worth that, it shares nothing
// with the way from a policy to a program: of the library it knows the types
// in which users write policies, and package arch. It is slow and must stay
// simple enough to be read beside the documentation of Policy.
package oracle
