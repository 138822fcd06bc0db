//go:build tools && linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A browser is a headless Chromium, driven over two pipes: messages of the
// DevTools protocol, each ended by a zero byte.
type browser struct {
	t       *testing.T
	to      *os.File
	replies chan map[string]any
	id      int
	session string
}

// startBrowser opens a page. It fails the test where there is no Chromium.
func startBrowser(t *testing.T, url string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("this test needs Debian's package chromium: %v", err)
	}
	fromUs, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
		"--window-size=1280,900", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fromUs.Close()
	toUs.Close()
	b := &browser{t: t, to: to, replies: make(chan map[string]any, 100)}
	go b.read(from)
	t.Cleanup(func() {
		to.Close() // it ends when the pipe does
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
	})
	target := b.call("Target.createTarget", map[string]any{"url": url})
	attached := b.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})
	b.session, _ = attached["sessionId"].(string)
	b.until("location.href !== 'about:blank' && document.readyState === 'complete'")
	return b
}

func (b *browser) read(from *os.File) {
	defer close(b.replies)
	defer from.Close()
	r := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m map[string]any
		if json.Unmarshal(text[:len(text)-1], &m) == nil && m["id"] != nil {
			b.replies <- m
		}
	}
}

// call makes a call of the protocol and returns its result.
func (b *browser) call(method string, params map[string]any) map[string]any {
	b.t.Helper()
	b.id++
	m := map[string]any{"id": b.id, "method": method, "params": params}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	timeout := time.After(60 * time.Second)
	for {
		select {
		case reply, ok := <-b.replies:
			if !ok {
				b.t.Fatalf("%s: the browser has ended", method)
			}
			if reply["id"] != float64(b.id) {
				continue
			}
			if reply["error"] != nil {
				b.t.Fatalf("%s: %v", method, reply["error"])
			}
			result, _ := reply["result"].(map[string]any)
			return result
		case <-timeout:
			b.t.Fatalf("%s: no answer", method)
		}
	}
}

// eval is the value of an expression in the page.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	r := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true})
	if r["exceptionDetails"] != nil {
		b.t.Fatalf("%s: %v", expression, r["exceptionDetails"])
	}
	result, _ := r["result"].(map[string]any)
	return result["value"]
}

func (b *browser) text(expression string) string { return fmt.Sprint(b.eval(expression)) }

// until waits for a condition of the page.
func (b *browser) until(expression string) {
	b.t.Helper()
	for range 200 {
		if b.eval(expression) == true {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("never: %s", expression)
}

// click clicks in the middle of an element, as a mouse does.
func (b *browser) click(selector string) {
	b.t.Helper()
	x, y := b.middle(selector)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
	}
}

// hover moves the mouse to the middle of an element.
func (b *browser) hover(selector string) {
	b.t.Helper()
	x, y := b.middle(selector)
	b.call("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": x, "y": y})
}

// middle scrolls to an element and finds its middle.
func (b *browser) middle(selector string) (x, y float64) {
	b.t.Helper()
	var box struct{ X, Y float64 }
	text := b.text(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return JSON.stringify({X: r.x + r.width / 2, Y: r.y + r.height / 2}); })()`, selector))
	if err := json.Unmarshal([]byte(text), &box); err != nil {
		b.t.Fatalf("%s: %v", selector, err)
	}
	return box.X, box.Y
}

// press types a key, such as "Tab" or "ArrowRight".
func (b *browser) press(key string, code int) {
	b.t.Helper()
	params := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		params["text"] = "\r"
	} else if len(key) == 1 {
		params["text"] = key
	}
	b.call("Input.dispatchKeyEvent", params)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code})
}
