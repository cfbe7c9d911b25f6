// The race detector has nothing to find in a browser, and what drives it takes minutes to build with it.

//go:build !race

package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium finds the browser. RAINLOGS_REQUIRE_CHROMIUM has its lack fail the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("RAINLOGS_REQUIRE_CHROMIUM") != "" {
		t.Fatal("Chromium is not on this machine")
	}
	t.Skip("Chromium is not on this machine")
	return ""
}

// tab is a browser's tab, and what was heard of it.
type tab struct {
	*testing.T
	ctx  context.Context //nolint:containedctx // chromedp keeps the tab in it
	base string

	mu    sync.Mutex
	heard []string // on the console
	asked []string // URLs
}

func open(t *testing.T, base string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.NoSandbox, chromedp.DisableGPU) // CI runs as root, and its certificate is its own
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &tab{T: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	var late context.CancelFunc
	b.ctx, late = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(late)
	call(b, network.Enable, network.EnableParams{})
	// The page has no script; none may be missed.
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return b
}

// call sends the browser a command.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.Fatalf("%s: %v", command.Method, err)
	}
}

func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *log.EventEntryAdded:
		b.heard = append(b.heard, fmt.Sprintf("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *runtime.EventConsoleAPICalled:
		b.heard = append(b.heard, "a script called the console")
	case *runtime.EventExceptionThrown:
		b.heard = append(b.heard, e.ExceptionDetails.Text)
	}
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

// says reads something off the page.
func (b *tab) says(expression string) string {
	b.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return out
}

// beyond names what sticks out of the window, or cannot be read.
const beyond = `[...document.querySelectorAll("body *")].filter(e => {
	const r = e.getBoundingClientRect()
	return !e.closest(".hidden") && r.width > 0 && (r.right > innerWidth + 0.5 || r.left < -0.5)
}).map(e => e.tagName + "." + e.className + " to " + e.getBoundingClientRect().right).slice(0, 5).join(", ") +
(document.documentElement.scrollWidth > innerWidth ? " the page is " + document.documentElement.scrollWidth + " wide" : "")`

// cut names cells whose text does not fit into them.
const cut = `[...document.querySelectorAll("tbody td, tbody th, thead th:not(.map th)")].filter(e => {
	const text = document.createRange()
	text.selectNodeContents(e)
	const t = text.getBoundingClientRect(), r = e.getBoundingClientRect()
	return t.width > 0 && r.width > 0 && (t.right > r.right + 1 || t.left < r.left - 1)
}).map(e => e.textContent.trim()).slice(0, 5).join(", ")`

// mute names cells that say their state by colour alone.
const mute = `[...document.querySelectorAll(".c:not(.outside)")].filter(e => e.textContent.trim() === "").length`

// pale names text whose contrast with what is behind it is less than 4.5 to 1
// (WCAG 2.2, 1.4.3).
const pale = `(() => {
	const parse = s => s.match(/[\d.]+/g).map(Number)
	const lum = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b }
	const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] }
	const found = new Set()
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim() !== "")) continue
		const a = lum(parse(getComputedStyle(e).color).slice(0, 3)), b = lum(behind(e))
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
		if (ratio < 4.5) found.add(e.tagName + "." + e.className + " " + ratio.toFixed(2))
	}
	return [...found].join(", ")
})()`

// looks at the page in the sizes and colours that people have.
func (b *tab) looks(name string) {
	b.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1280} {
			b.do("set size", chromedp.EmulateViewport(width, 800))
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			at := fmt.Sprintf("%s-%d-%s", name, width, scheme)
			for what, expression := range map[string]string{"out of the window": beyond, "cut off": cut, "by colour alone": mute, "hard to read": pale} {
				if got := b.says(expression); got != "" && got != "0" {
					b.Errorf("%s, %s: %s", at, what, got)
				}
			}
			b.shoot(at)
		}
	}
}

// shoot keeps a picture where RAINLOGS_SCREENSHOTS says.
func (b *tab) shoot(name string) {
	b.Helper()
	dir := os.Getenv("RAINLOGS_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil { //nolint:gosec // a picture of a test
		b.Fatal(err)
	}
}

// quiet demands that nothing was wrong so far, and nothing asked of anybody else.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.heard {
		b.Errorf("on the console: %s", text)
	}
	for _, url := range b.asked {
		if !strings.HasPrefix(url, b.base+"/") {
			b.Errorf("asks %s", url)
		}
	}
	if len(b.asked) < 4 {
		b.Errorf("asked for %v only", b.asked)
	}
}

// Somebody without a terminal signs in, sees how the zones stand, looks at
// one, and signs out.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	chromium(t)
	s := serve(t)
	b := open(t, s.url)
	b.do("sign in", chromedp.Navigate(s.url+"/"), chromedp.WaitVisible("#key"))
	b.looks("sign-in")
	b.do("sign in", chromedp.SendKeys("#key", s.key), chromedp.Click("main button"), chromedp.WaitVisible(".zones"))
	b.looks("overview")
	page := b.says("document.body.innerText")
	for _, part := range []string{"shop.example", "Need somebody", "blocked (credential)", "as of", "The last 24 hours"} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(part)) {
			t.Errorf("the overview lacks %q:\n%s", part, page)
		}
	}
	if strings.Contains(page, "rival") {
		t.Errorf("another's zone is shown:\n%s", page)
	}
	if got := b.says(`document.cookie + document.querySelectorAll("script").length`); got != "0" {
		t.Errorf("a script could read the cookie, or there is one: %s", got)
	}
	b.do("look at a zone", chromedp.Click(`.zones tbody th a[href*="`+s.zone+`"]`), chromedp.WaitVisible(".facts"))
	b.looks("zone")
	for state, want := range map[string]string{"sealed": "■", "gap": "✗", "pending": "◌", "expired": "-", "empty": "·", "missing": "?"} {
		if got := b.says(`document.querySelector("td.` + state + `").textContent`); got != want {
			t.Errorf("%s looks like %q", state, got)
		}
	}
	if got := b.says(`document.querySelectorAll(".map tbody tr").length + " " + document.querySelector("meta[http-equiv=refresh]").content`); got != "31 60" {
		t.Errorf("days and seconds are %s", got)
	}
	b.do("sign out", chromedp.Click("header button"), chromedp.WaitVisible("#key"))
	b.do("go back", chromedp.Navigate(s.url+"/zones/"+s.zone), chromedp.WaitVisible("#key"))
	b.quiet()
}
