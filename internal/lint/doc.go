// Package lint finds what is likely to be wrong with a filter, each finding with
// a call that shows it.
package lint
