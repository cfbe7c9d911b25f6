package storeset

import (
	"errors"
	"io"
)

// source is the body of a Put, to be read once for each store if it allows that.
type source struct {
	r       io.Reader
	at      io.ReaderAt // of a body that can be read in several places at once
	seek    io.Seeker
	start   int64
	touched bool // r was read from
}

func newSource(body io.Reader) *source {
	s := &source{r: body}
	seek, ok := body.(io.Seeker)
	if !ok {
		return s
	}
	start, err := seek.Seek(0, io.SeekCurrent)
	if err != nil {
		return s // a pipe, say, whose type has the method
	}
	s.seek, s.start = seek, start
	if at, ok := body.(io.ReaderAt); ok {
		s.at = at
	}
	return s
}

// tap tells the body's errors from the store's.
type tap struct {
	r   io.Reader
	src *source
	err error
}

func (t *tap) Read(p []byte) (int, error) {
	if t.src != nil {
		t.src.touched = true
	}
	n, err := t.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err //nolint:wrapcheck // the body's own words
}

// open returns the body from its start, or false if it cannot be had again.
func (s *source) open() (*tap, bool) {
	switch {
	case s.at != nil:
		return &tap{r: io.NewSectionReader(s.at, s.start, 1<<62-s.start)}, true
	case !s.touched:
		return &tap{r: s.r, src: s}, true
	case s.seek != nil:
		if _, err := s.seek.Seek(s.start, io.SeekStart); err != nil {
			return nil, false
		}
		return &tap{r: s.r, src: s}, true
	}
	return nil, false
}
