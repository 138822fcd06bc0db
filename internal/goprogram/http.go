//go:build linux && !nohttp

package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
)

// echo sends text to an HTTP server in this process and returns how many bytes
// came back.
func echo(text []byte) (int64, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	response, err := http.Post(server.URL, "text/plain", bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return io.Copy(io.Discard, response.Body)
}
