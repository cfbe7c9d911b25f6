package status

import (
	"bytes"
	_ "embed" // of the page
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
)

// Style is the page's style sheet, and Icon its icon (SVG).
var (
	//go:embed status.css
	Style []byte
	//go:embed icon.svg
	Icon []byte
	//go:embed status.html
	pages string
)

// Refresh is after how long a browser asks anew.
const Refresh = time.Minute

// Frame is what all pages of somebody who is signed in have.
type Frame struct {
	Customer string
	Role     string
	At       time.Time // as of
}

// SignIn asks for a key.
type SignIn struct {
	Refused    bool // the key opens nothing
	Cookieless bool // the browser has kept no cookie
}

// Sorry says what went wrong.
type Sorry struct {
	Title, Detail, RequestID string
}

// Zone is how a zone stands.
type Zone struct {
	ID, Name, Dataset string
	State             string // "blocked (credential)"
	Mark              Cell   // that stands for it: Sealed, Pending or Blocked
	Detail            string
	SealedTo          time.Time
	Lag               time.Duration
	Open              int64 // windows that are planned and neither sealed nor lost
	Gaps              int   // windows that are lost, of those that are shown
	Size              int64 // of the chain
	Hours             []Hour
}

// Tally counts zones by what they do, and open windows by state.
type Tally struct {
	Zones, Collecting, Resting, Paused, Blocked int
	Planned, Pulling, Retrying, Waiting         int64
}

// Overview is a page of a customer's zones.
type Overview struct {
	Frame
	Tally     Tally
	Attention []Zone // zones that need somebody
	More      int    // that are not in Attention
	Zones     []Zone
	Find      string
	Found     int
	Page      int // from 1
	Pages     int
}

// Job is a window that is not simply sealed.
type Job struct {
	From, To       time.Time
	Attempts       int
	Next           time.Time
	Reason, Detail string
}

// Jobs are those of one state.
type Jobs struct {
	Title string
	Cell  Cell
	List  []Job
	More  int
}

// Chain is a zone's chain.
type Chain struct {
	Size     int64
	LastHash string
	Signed   time.Time // when the last entry was sealed
	Proven   bool      // the last entry is in the tree that the archive's key signed
	Trouble  string    // why it could not be looked at
	Checked  time.Time // by the last self-check
	Findings int64     // of it
	Clean    time.Time // when the last self-check without findings began
}

// Detail is one zone.
type Detail struct {
	Frame
	Zone  Zone
	Days  []Day
	Jobs  []Jobs
	Chain Chain
}

// View is a page.
type View interface{ template() string }

func (SignIn) template() string   { return "sign-in" }
func (Sorry) template() string    { return "sorry" }
func (Overview) template() string { return "overview" }
func (Detail) template() string   { return "zone" }

// Renderer makes pages.
type Renderer struct{ t *template.Template }

// New parses the templates.
func New() (*Renderer, error) {
	t, err := template.New("status").Funcs(template.FuncMap{
		"text": Text, "stamp": stamp, "lag": lag, "count": humanize.Comma, "cells": Cells, "short": short, "hours": hoursOfDay,
		"refresh": func() int { return int(Refresh / time.Second) },
		"add":     func(a, b int) int { return a + b },
	}).Parse(pages)
	if err != nil {
		return nil, fmt.Errorf("parse status page: %w", err)
	}
	return &Renderer{t}, nil
}

// Render makes a page.
func (r *Renderer) Render(v View) ([]byte, error) {
	var b bytes.Buffer
	if err := r.t.ExecuteTemplate(&b, v.template(), v); err != nil {
		return nil, fmt.Errorf("render status page: %w", err)
	}
	return b.Bytes(), nil
}

// Text makes visible what a browser would not show, or obey: controls, and
// what turns the direction of writing.
func Text(s string) string {
	const most = 300
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		if unicode.IsGraphic(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "\\u%04x", r)
	}
	return b.String()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// lag leaves out what nobody looks at: the seconds of hours, the minutes of days.
func lag(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, d)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd %dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

func short(hash string) string { return hash[:min(16, len(hash))] }

func hoursOfDay() []string {
	var out []string
	for h := range 24 {
		label := ""
		if h%6 == 0 {
			label = fmt.Sprintf("%02d", h)
		}
		out = append(out, label)
	}
	return out
}
