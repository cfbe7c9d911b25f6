// Package daemontest judges what collectors have made: an archive against the
// emulator's own record.
package daemontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// Window is a window of a chain, as its entry tells it.
type Window struct {
	evidence.Window
	Seq    int64
	Kind   evidence.Kind
	Reason string // of a gap
	Lines  int64
}

// Judge looks at one archive folder and one emulator.
type Judge struct {
	Dir      string
	Key      *evidence.PublicKey // nil takes the archive's own word
	Emulator *logpulltest.Emulator
	Fields   []string // of the zones, by name
}

// Verify demands an intact archive, at level content.
func (j Judge) Verify(ctx context.Context) error {
	folder, err := verify.OpenFolder(j.Dir)
	if err != nil {
		return err
	}
	report, err := verify.Run(ctx, folder, verify.Options{Key: j.Key})
	if err = errors.Join(err, folder.Close()); err != nil {
		return err
	}
	if !report.Intact {
		return fmt.Errorf("%d findings, the first: %s", len(report.Findings), report.Findings[0].Text)
	}
	return nil
}

// Windows returns a chain's windows, by start. That two overlap is an error:
// each window must have been sealed exactly once.
func (j Judge) Windows(ctx context.Context, id evidence.ChainID) ([]Window, error) {
	var out []Window
	err := j.entries(ctx, id, func(e *evidence.Entry) error {
		if e.Kind != evidence.KindLog && e.Kind != evidence.KindGap {
			return nil
		}
		w := Window{Window: *e.Window, Seq: e.Seq, Kind: e.Kind}
		if e.Gap != nil {
			w.Reason = e.Gap.Reason
		}
		if e.Content != nil {
			w.Lines = e.Content.Lines
		}
		out = append(out, w)
		return nil
	})
	slices.SortFunc(out, func(a, b Window) int { return a.Start.Compare(b.Start) })
	for i := range out[:max(0, len(out)-1)] {
		if out[i+1].Start.Before(out[i].End) {
			err = errors.Join(err, fmt.Errorf("%s (entry %d) and %s (entry %d) overlap", out[i].Window, out[i].Seq, out[i+1].Window, out[i+1].Seq))
		}
	}
	return out, err
}

// Tiled demands that windows cover [from, to) without a hole.
func Tiled(windows []Window, from, to time.Time) error {
	at := from
	for _, w := range windows {
		if !w.End.After(at) {
			continue
		}
		if w.Start.After(at) {
			break
		}
		at = w.End
	}
	if at.Before(to) {
		return fmt.Errorf("nothing covers %s; covered was to be %s to %s", at, from, to)
	}
	return nil
}

// Lines compares each sealed window's lines with what the emulator holds for
// it, and returns how many there are.
func (j Judge) Lines(ctx context.Context, id evidence.ChainID) (int64, error) {
	folder, err := verify.OpenFolder(j.Dir)
	if err != nil {
		return 0, err
	}
	defer folder.Close() //nolint:errcheck // only read
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer dec.Close()
	var total int64
	err = j.entries(ctx, id, func(e *evidence.Entry) error {
		if e.Kind != evidence.KindLog {
			return nil
		}
		var got []byte
		if e.Object != nil {
			body, err := folder.Get(ctx, e.Object.Key, 0, -1)
			if err != nil {
				return err
			}
			stored, err := io.ReadAll(body)
			if err = errors.Join(err, body.Close()); err != nil {
				return err
			}
			if got, err = dec.DecodeAll(stored, nil); err != nil {
				return err
			}
		}
		n, err := j.same(e, got)
		total += n
		return err
	})
	return total, err
}

// same compares as sets: the order of a pull is not defined.
func (j Judge) same(e *evidence.Entry, got []byte) (int64, error) {
	left := map[string]int{}
	for line := range bytes.Lines(got) {
		left[string(bytes.TrimSuffix(line, []byte("\n")))]++
	}
	var n int64
	for _, line := range j.Emulator.Lines(e.Zone, e.Window.Start, e.Window.End, logpulltest.Projection{Fields: j.Fields}) {
		left[string(line)]--
		n++
	}
	for line, count := range left {
		if count != 0 {
			return n, fmt.Errorf("window %s of %s: %+d times %.200s", e.Window, e.Zone, count, line)
		}
	}
	return n, nil
}

func (j Judge) entries(ctx context.Context, id evidence.ChainID, f func(e *evidence.Entry) error) error {
	folder, err := verify.OpenFolder(j.Dir)
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // only read
	r, err := verify.ReadChain(ctx, folder, id, verify.Options{Key: j.Key})
	if err != nil {
		return err
	}
	for e, err := range r.Entries(ctx) {
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// Observations tells the topic of each of a chain's observations.
func (j Judge) Observations(ctx context.Context, id evidence.ChainID, tell func(topic string)) error {
	return j.entries(ctx, id, func(e *evidence.Entry) error {
		if e.Kind == evidence.KindObservation {
			tell(e.Observation.Topic)
		}
		return nil
	})
}
