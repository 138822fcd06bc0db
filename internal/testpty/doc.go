// Package testpty opens pseudo terminals for tests, on Linux.
package testpty
