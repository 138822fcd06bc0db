package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/testvm"
)

func TestExitCode(t *testing.T) {
	passed := &testvm.Outcome{Guest: "a", Passed: 3}
	failed := &testvm.Outcome{Guest: "b", Passed: 3, Failed: 1}
	hung := &testvm.Outcome{Guest: "c", Error: "it hangs"}
	unfetched := &testvm.Outcome{Guest: "d", Reason: "not fetched: no network"}
	silent := &testvm.Outcome{Guest: "e", Skipped: map[string]int{"why": 3}}
	for _, tt := range []struct {
		outcomes  []*testvm.Outcome
		err       error
		want, ok  int // ok: with -offline-ok
		mentioned bool
	}{
		{[]*testvm.Outcome{passed}, nil, 0, 0, false},
		{[]*testvm.Outcome{passed, unfetched}, nil, 3, 0, true},
		{[]*testvm.Outcome{unfetched, unfetched}, nil, 3, 0, true},
		{[]*testvm.Outcome{unfetched, failed}, nil, 1, 1, true},
		{[]*testvm.Outcome{passed, hung}, nil, 1, 1, false},
		{[]*testvm.Outcome{passed, silent}, nil, 3, 3, false},
		{[]*testvm.Outcome{passed}, errors.New("does not build"), 1, 1, false},
	} {
		if got := exitCode(tt.outcomes, tt.err, false); got != tt.want {
			t.Errorf("%+v, %v: exit code %d, want %d", tt.outcomes, tt.err, got, tt.want)
		}
		if got := exitCode(tt.outcomes, tt.err, true); got != tt.ok {
			t.Errorf("%+v, %v, offline: exit code %d, want %d", tt.outcomes, tt.err, got, tt.ok)
		}
		var b strings.Builder
		if err := notRun(&b, tt.outcomes); err != nil || strings.Contains(b.String(), "NOT RUN") != tt.mentioned {
			t.Errorf("%+v: said %q, %v", tt.outcomes, &b, err)
		}
	}
}

func TestReportNamesMissingGuests(t *testing.T) {
	var b strings.Builder
	outcomes := []*testvm.Outcome{{Guest: "arm64-7", Target: "arm64", Reason: "not fetched: no network"}, {Guest: "arm64-7", Target: "arm", Reason: "not fetched: no network"}, {Guest: "amd64-7", Passed: 1}}
	if err := report(&b, "", outcomes); err != nil {
		t.Fatal(err)
	}
	if want := "NOT RUN: 1 of 2 guests, because they could not be fetched: arm64-7\n"; !strings.Contains(b.String(), want) {
		t.Errorf("the report is\n%s\nwant it to have %q", &b, want)
	}
}
