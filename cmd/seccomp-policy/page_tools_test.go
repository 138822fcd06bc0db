//go:build tools && linux

package main

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pagePolicy = `default_action: errno(EPERM)
abis: [x86_64, i386]
syscalls:
- action: allow
  names: [read, write, exit_group, openat]
  names_with_args:
  - {name: socket, arguments: [{argument: domain, operation: Equal, value: AF_UNIX|AF_INET}]}
  - {name: clone, arguments: [{argument: flags, operation: BitsNotSet, value: CLONE_NEWUSER}]}
- {action: errno(ENOSYS), names: [clone3]}
`

// openPage writes a page with a command and opens it.
func openPage(t *testing.T, args ...string) *browser {
	t.Helper()
	var out, stderr bytes.Buffer
	if status := run(args, nil, &out, &stderr); status == exitError {
		t.Fatalf("%v: %s", args, &stderr)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return startBrowser(t, "file://"+path)
}

// TestPage clicks and types its way through the page of one filter.
func TestPage(t *testing.T) {
	b := openPage(t, "explain", "--html", "--machine", "x86_64", policyFile(t, pagePolicy))

	// The pointer over a call shows its conditions.
	b.hover(`button[data-call="clone"]`)
	if got := b.text(`document.getElementById("detail").innerText`); !strings.Contains(got, "CLONE_NEWUSER == 0") {
		t.Errorf("with the pointer over clone the page says %q", got)
	}
	// A click shows the conditions.
	b.click(`button[data-call="clone"]`)
	if got := b.text(`document.getElementById("detail").innerText`); !strings.Contains(got, "CLONE_NEWUSER == 0") || !strings.Contains(got, "otherwise errno(EPERM)") {
		t.Errorf("after a click on clone the page says %q", got)
	}
	if got := b.text(`getComputedStyle(document.querySelector('button[data-call="read"]')).backgroundColor`); got == b.text(`getComputedStyle(document.querySelector('button[data-call="ptrace"]')).backgroundColor`) {
		t.Errorf("allowed and refused calls both have the colour %s", got)
	}
	// So does the browser's hint.
	if got := b.text(`document.querySelector('button[data-call="socket"]').title`); !strings.Contains(got, "family ∈ {AF_UNIX, AF_INET}") {
		t.Errorf("the hint of socket is %q", got)
	}
	// The search finds names and conditions.
	b.press("/", 191)
	for _, key := range "newuser" {
		b.press(string(key), int(key)-32)
	}
	if got := b.text(`[...document.querySelectorAll("#map button")].map(b => b.textContent).join()`); got != "clone" {
		t.Errorf("a search for newuser shows %q, want clone", got)
	}
	b.eval(`document.getElementById("search").value = ""; document.getElementById("search").dispatchEvent(new Event("input"))`)
	// Another ABI.
	b.eval(`document.getElementById("abi").value = "i386"; document.getElementById("abi").dispatchEvent(new Event("change"))`)
	if got := b.eval(`document.querySelector('button[data-call="socketcall"]') !== null`); got != true {
		t.Error("i386 is chosen and there is no socketcall")
	}
	if got := b.text(`document.getElementById("detail").innerText`); !strings.Contains(got, "number 120 on i386") {
		t.Errorf("on i386 the page says of clone %q", got)
	}
	// Calls are arranged by what happens to them.
	b.eval(`document.getElementById("order").value = "action"; document.getElementById("order").dispatchEvent(new Event("change"))`)
	if got := b.text(`[...document.querySelectorAll("#map .group")].map(g => g.textContent).join()`); got != "allow,errno(ENOSYS),errno(EPERM)" {
		t.Errorf("arranged by action the headings are %q", got)
	}
	if got := b.text(`document.querySelector("#map .group + li button").textContent`); got != "exit_group" {
		t.Errorf("the first call that is allowed is %q", got)
	}
	// An action can be hidden.
	before := b.eval(`document.querySelectorAll("#map button").length`).(float64)
	b.click(`#legend button.errno`)
	if after := b.eval(`document.querySelectorAll("#map button").length`).(float64); after >= before {
		t.Errorf("%v calls before an action was hidden, %v after", before, after)
	}
	if got := b.text(`performance.getEntriesByType("resource").length`); got != "0" {
		t.Errorf("the page loaded %s other things", got)
	}
	screenshot(t, b)
}

// TestPageKeyboard uses the page without a mouse, and reads what a screen
// reader reads.
func TestPageKeyboard(t *testing.T) {
	b := openPage(t, "explain", "--html", "--machine", "x86_64", policyFile(t, pagePolicy))
	b.eval(`document.querySelector("#map button").focus()`)
	first := b.text(`document.activeElement.dataset.call`)
	b.press("ArrowRight", 39)
	second := b.text(`document.activeElement.dataset.call`)
	b.press("ArrowDown", 40)
	below := b.text(`document.activeElement.dataset.call`)
	if first == second || second == below || below == "undefined" {
		t.Errorf("arrow keys went from %s to %s to %s", first, second, below)
	}
	b.press("Enter", 13)
	if got := b.text(`document.querySelector("#detail h2").textContent`); got != below {
		t.Errorf("Enter on %s shows %s", below, got)
	}
	named := false
	nodes, _ := b.call("Accessibility.getFullAXTree", map[string]any{})["nodes"].([]any)
	for _, node := range nodes {
		n, _ := node.(map[string]any)
		role, _ := n["role"].(map[string]any)
		name, _ := n["name"].(map[string]any)
		switch role["value"] {
		case "button", "combobox", "searchbox":
			if name["value"] == "" || name["value"] == nil {
				t.Errorf("a %v without a name", role["value"])
			}
			named = named || name["value"] == "clone: depends on arguments, otherwise errno(EPERM)"
		}
	}
	if !named {
		t.Error("no button tells a screen reader what happens to clone")
	}
}

// TestDiffPage looks at what differs between two filters.
func TestDiffPage(t *testing.T) {
	old := policyFile(t, pagePolicy)
	b := openPage(t, "diff", "--html", "--machine", "x86_64", old, policyFile(t, strings.Replace(pagePolicy, "AF_UNIX|AF_INET", "AF_UNIX", 1)))
	if got := b.text(`document.getElementById("diff").innerText`); !strings.Contains(got, "newly blocked") || !strings.Contains(got, "family == AF_INET") {
		t.Errorf("the table of differences says %q", got)
	}
	if got := b.text(`[...document.querySelectorAll("#map button")].map(b => b.textContent).join()`); got != "socket" {
		t.Errorf("the map of what differs shows %q, want socket", got)
	}
	b.click(`button[data-call="socket"]`)
	got := b.text(`document.getElementById("detail").innerText`)
	for _, want := range []string{"newly blocked: allow → errno(EPERM)", "family ∈ {AF_UNIX, AF_INET}", "family == AF_UNIX"} {
		if !strings.Contains(got, want) {
			t.Errorf("after a click on socket the page says %q, want %q", got, want)
		}
	}
	// Each filter can be looked at alone; what differs is marked.
	b.eval(`document.getElementById("filter").value = "1"; document.getElementById("filter").dispatchEvent(new Event("change"))`)
	if got := b.text(`[...document.querySelectorAll("#map .changed")].map(b => b.textContent).join()`); got != "socket" {
		t.Errorf("marked as different are %q, want socket", got)
	}
	if got := b.text(`String(document.querySelectorAll("#map button").length > 300)`); got != "true" {
		t.Error("one filter alone shows few calls")
	}
	if got := b.text(`String(document.documentElement.scrollWidth <= document.documentElement.clientWidth)`); got != "true" {
		t.Error("the page is wider than the window")
	}
}

// screenshot checks that there is something to see, and keeps it where
// SCREENSHOT says.
func screenshot(t *testing.T, b *browser) {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(b.call("Page.captureScreenshot", map[string]any{"format": "png"})["data"].(string))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	colors := map[[3]uint32]bool{}
	for y := 0; y < picture.Bounds().Dy(); y += 2 {
		for x := 0; x < picture.Bounds().Dx(); x += 2 {
			r, g, bl, _ := picture.At(x, y).RGBA()
			colors[[3]uint32{r, g, bl}] = true
		}
	}
	if len(colors) < 20 {
		t.Errorf("the page shows %d colours", len(colors))
	}
	if path := os.Getenv("SCREENSHOT"); path != "" {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Error(err)
		}
	}
}
