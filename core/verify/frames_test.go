package verify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func unpack(t testing.TB, object []byte, sealed int64) ([]byte, error) {
	t.Helper()
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrameBytes))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var out bytes.Buffer
	err = newFrameReader(dec).copyTo(&out, bytes.NewReader(object), sealed)
	return out.Bytes(), err
}

func encode(content []byte, opts ...zstd.EOption) []byte {
	enc, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		panic(err)
	}
	defer enc.Close() //nolint:errcheck // nothing is written
	return enc.EncodeAll(content, nil)
}

// table is a seek table of any entries.
func table(flags byte, frames uint32, entries ...uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, seekTableSkip)
	b = binary.LittleEndian.AppendUint32(b, uint32(4*len(entries)+9))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint32(b, e)
	}
	b = binary.LittleEndian.AppendUint32(b, frames)
	return binary.LittleEndian.AppendUint32(append(b, flags), seekTableEnd)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestFrames(t *testing.T) {
	t.Parallel()
	f := encode([]byte("hello\n"))
	n := uint32(len(f))
	zeros := encode(make([]byte, maxFrameBytes+1))
	million := encode(make([]byte, 1<<20))
	for name, tc := range map[string]struct {
		object []byte
		want   string // of the error; "" is success
	}{
		"plain table":           {join(f, table(0, 1, n, 6)), ""},
		"with checksums":        {verifytest.Pack([]byte("hello\n"), 100), ""},
		"two frames":            {join(f, f, table(0, 2, n, 6, n, 6)), ""},
		"no frames":             {table(0, 0), ""},
		"nothing":               {nil, "ends without a seek table"},
		"no table":              {f, "ends without a seek table"},
		"no zstd":               {[]byte("hello\n"), "begins with"},
		"magic cut":             {f[:3], "ends without a seek table"},
		"frame cut":             {f[:n-1], "ends inside frame 0"},
		"header cut":            {f[:5], "ends inside frame 0"},
		"table cut":             {join(f, table(0, 1, n, 6)[:12]), "cut short"},
		"table's length cut":    {join(f, table(0, 1, n, 6)[:6]), "cut short"},
		"stored size":           {join(f, table(0, 1, n+1, 6)), "wrong about frame 0"},
		"content size":          {join(f, table(0, 1, n, 7)), "wrong about frame 0"},
		"checksum":              {join(f, table(0x80, 1, n, 6, 1)), "another checksum"},
		"frame count":           {join(f, table(0, 2, n, 6)), "does not fit"},
		"frames kept quiet":     {join(f, f, table(0, 1, n, 6)), "does not fit"},
		"reserved flag":         {join(f, table(1, 1, n, 6)), "does not fit"},
		"table too long":        {join(f, table(0, 1, n, 6, 1, 2, 3)), "bytes for 1 frames"},
		"behind the table":      {join(f, table(0, 1, n, 6), []byte{0}), "behind its seek table"},
		"two tables":            {join(f, table(0, 1, n, 6), table(0, 1, n, 6)), "behind its seek table"},
		"skippable":             {join([]byte{0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, f, table(0, 1, n, 6)), "skippable frame 184d2a5f"},
		"unknown dictionary":    {join([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x21, 9, 1, 9, 0, 0, 'x'}, table(0, 1, 11, 1)), "frame 0"},
		"reserved block":        {join([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 7, 0, 0}), "reserved block"},
		"content checksum":      {join(f[:n-1], []byte{f[n-1] ^ 1}, table(0, 1, n, 6)), "frame 0"},
		"one frame, a bomb":     {join(zeros, table(0, 1, uint32(len(zeros)), maxFrameBytes+1)), "frame 0"},
		"many frames, a bomb":   {join(bytes.Repeat(million, 1000)), "more than the 6 bytes"},
		"too many empty frames": {bytes.Repeat(encode(nil, zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false)), maxFrames+1), "more than 1048576 frames"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := unpack(t, tc.object, 6)
			if tc.want == "" {
				if err != nil || strings.ReplaceAll(string(got), "hello\n", "") != "" {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if !errors.Is(err, errFrames) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// TestFramesReadError: a store that fails is not an object that is damaged.
func TestFramesReadError(t *testing.T) {
	t.Parallel()
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	f := encode([]byte("hello\n"))
	broken := errors.New("broken")
	for n := range len(f) {
		in := io.MultiReader(bytes.NewReader(f[:n]), errReader{broken})
		if err := newFrameReader(dec).copyTo(io.Discard, in, 6); !errors.Is(err, broken) || errors.Is(err, errFrames) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// FuzzFrames: nothing panics; what is taken is what a plain zstd decoder makes
// of it; and nothing can be put behind it.
func FuzzFrames(f *testing.F) {
	one := encode([]byte("hello\n"))
	f.Add(verifytest.Pack([]byte("hello\nworld\n"), 6))
	f.Add(join(one, table(0, 1, uint32(len(one)), 6)))
	f.Add(join(one, one))
	f.Add(table(0, 0))
	f.Fuzz(func(t *testing.T, object []byte) {
		got, err := unpack(t, object, 1<<20)
		if err != nil {
			if !errors.Is(err, errFrames) {
				t.Fatalf("%v is no word about frames", err)
			}
			return
		}
		dec, err := zstd.NewReader(bytes.NewReader(object))
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		if want, err := io.ReadAll(dec); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q, a plain decoder says %q, %v", got, want, err)
		}
		if _, err := unpack(t, append(bytes.Clone(object), 0), 1<<20); err == nil {
			t.Fatal("a byte behind it is taken")
		}
	})
}
