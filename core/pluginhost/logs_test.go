//go:build linux

package pluginhost

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func newLogTest() (*pluginLog, *safeBuffer, *clock) {
	out := newSafeBuffer()
	c := &clock{now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	handler := slog.NewTextHandler(out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	return newPluginLog(slog.New(handler), c.Now), out, c
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	many := `{"msg":"many"`
	for i := range 100 {
		many += fmt.Sprintf(`,"k%03d":%d`, i, i)
	}
	tests := []struct{ in, want string }{
		{`{"time":"x","level":"ERROR","msg":"went wrong","n":3}`, `level=ERROR msg="went wrong" n=3`},
		{`{"level":"DEBUG+2","msg":"m"}`, `level=DEBUG+2 msg=m`},
		{`{"level":7,"msg":"m"}`, `level=INFO msg=m`},
		{`{"@message":1}`, `level=INFO msg="{\"@message\":1}"`},
		{`{"msg":`, `level=INFO msg="{\"msg\":"`},
		{`[1]`, `level=INFO msg=[1]`},
		{"plain\x1b[2Jtext\r", `level=INFO msg="plain\x1b[2Jtext\r"`},
		{"", ""},
		{"  \t ", ""},
	}
	for _, test := range tests {
		l, out, _ := newLogTest()
		_, _ = l.stream().Write([]byte(test.in + "\n"))
		if have := strings.TrimSuffix(out.String(), "\n"); have != test.want {
			t.Errorf("%q: logged %q, want %q", test.in, have, test.want)
		}
	}
	l, out, _ := newLogTest()
	_, _ = l.stream().Write([]byte(many + "}\n"))
	if n := strings.Count(out.String(), " k"); n != maxAttrs {
		t.Errorf("%d attributes, want %d", n, maxAttrs)
	}
}

func TestLogLinesInPieces(t *testing.T) {
	t.Parallel()
	l, out, _ := newLogTest()
	a, b := l.stream(), l.stream()
	for _, c := range "one line\n" {
		_, _ = a.Write([]byte(string(c)))
		_, _ = b.Write([]byte("z"))
	}
	for range 1000 {
		_, _ = b.Write([]byte(strings.Repeat("z", 1000)))
	}
	_, _ = b.Write([]byte("\nnext\n"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"one line"`) || !strings.Contains(lines[2], "msg=next") {
		t.Fatalf("%d lines: %.300q", len(lines), lines)
	}
	if len(lines[1]) > maxLine+100 || !strings.HasSuffix(lines[1], "cut=true") {
		t.Errorf("line of %d bytes: …%q", len(lines[1]), lines[1][len(lines[1])-20:])
	}
}

func TestLogIsThinnedOut(t *testing.T) {
	t.Parallel()
	l, out, c := newLogTest()
	w := l.stream()
	for range 10 * linesBurst {
		_, _ = w.Write([]byte("again\n"))
	}
	if n := strings.Count(out.String(), "again"); n != linesBurst {
		t.Errorf("%d lines in one moment, want %d", n, linesBurst)
	}
	c.Advance(time.Second)
	_, _ = w.Write([]byte("later\n"))
	if want := fmt.Sprintf("msg=later lines_left_out_before=%d", 9*linesBurst); !strings.Contains(out.String(), want) {
		t.Errorf("log does not say %s", want)
	}
}

// FuzzLogLine: whatever a plugin prints, the log gets bounded, valid text.
func FuzzLogLine(f *testing.F) {
	f.Add([]byte(`{"time":"x","level":"ERROR","msg":"went wrong","n":3}`), false)
	f.Add([]byte(`{"@message":1}`), false)
	f.Add([]byte("\xff\xfe"), true)
	f.Fuzz(func(t *testing.T, line []byte, cut bool) {
		if len(line) == 0 || len(line) > maxLine {
			t.Skip("emit never passes such a line on")
		}
		_, msg, attrs := decodeLine(line, cut)
		if len(msg) > 3*maxLine || !utf8.ValidString(msg) || len(attrs) > maxAttrs {
			t.Errorf("message of %d bytes, %d attributes", len(msg), len(attrs))
		}
		for _, a := range attrs {
			if !utf8.ValidString(a.Key) || !utf8.ValidString(a.Value.String()) {
				t.Errorf("attribute %q is not UTF-8", a.Key)
			}
		}
	})
}
