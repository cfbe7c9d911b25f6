package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// remains is what a bucket really has: versions of evidence by key, and
// uploads that were neither completed nor aborted.
func remains(t *testing.T, server *s3test.Server, bucket string) (versions map[string]int, uploads int) {
	t.Helper()
	c := server.Client(server.Root)
	out, err := c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	versions = map[string]int{}
	for _, v := range out.Versions {
		versions[*v.Key]++
	}
	for _, m := range out.DeleteMarkers {
		versions[*m.Key]++
	}
	begun, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	return versions, len(begun.Uploads)
}

// TestPutThroughFaults: whatever happens to one request of a Put, or to all of
// a kind, nothing is lost, nothing doubled, and nobody sees a part.
func TestPutThroughFaults(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	small, large := noise(1, 300_000), noise(2, minPart+123_456)
	notS3 := func(w http.ResponseWriter, _ *http.Request, _ *s3test.Proxy) {
		http.Error(w, "<html>", http.StatusBadGateway)
	}
	faults := []struct {
		name   string
		fault  s3test.Fault
		often  bool // strikes all requests, too
		create bool // strikes CreateMultipartUpload, too
	}{
		{"reset in mid-body", s3test.ResetRequest(100_000), true, false},
		{"reset after the commit", s3test.ResetAfterCommit(), true, true},
		{"500 after the commit", s3test.ErrorAfterCommit(), true, true},
		{"503", s3test.SlowDown(""), true, true},
		{"503 with a time", s3test.SlowDown("0"), false, false},
		{"bytes changed on the way", s3test.Refuse(http.StatusBadRequest, "BadDigest", "The Content-SHA256 you specified did not match what we received."), true, false},
		{"answer is not S3's", notS3, false, false},
		{"no answer", s3test.Stall(), true, false},
	}
	for _, op := range []string{"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} {
		for _, f := range faults {
			for _, times := range []int{1, -1} {
				if times < 0 && !f.often || op == "CreateMultipartUpload" && !f.create {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", op, f.name, times), func(t *testing.T) {
					t.Parallel()
					p := s3test.NewProxy(t, server)
					c := settings(p.URL(), server.Bucket(t, s3test.Versioned), server.Root)
					c.limits.attempts = 4
					s := open(t, c)
					if _, err := s.conditionsOfParts(t.Context()); err != nil { // in peace
						t.Fatal(err)
					}
					if f.name == "no answer" {
						s.transport.limits.answer, s.transport.limits.slowest = 250*time.Millisecond, 50<<20
					}
					content := large
					if op == "PutObject" {
						content = small
					}
					putThroughFault(t, server, p, s, op, times, f.fault, content)
				})
			}
		}
	}
}

func putThroughFault(t *testing.T, server *s3test.Server, p *s3test.Proxy, s *Store, op string, times int, fault s3test.Fault, content []byte) {
	t.Helper()
	direct := open(t, settings(server.URL(), s.bucket, server.Root))
	ours := func(r *http.Request) bool { return s3test.Op(op)(r) && !strings.Contains(r.URL.Path, probeKey) }
	rule := p.Order(ours, times, fault)
	watch := watchKey(t, direct, content)
	err := put(t.Context(), s, "a/b", content)
	watch()
	if rule.Hits() == 0 {
		t.Fatal("the fault never struck")
	}
	if err != nil && !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("%v, want success or ErrUnavailable", err)
	}
	if err != nil && times == 1 && !errors.Is(err, errBadDigest(err)) {
		t.Errorf("one fault is one too many: %v", err)
	}
	if err == nil {
		wantContent(t, direct, "a/b", content)
	}
	again := put(t.Context(), direct, "a/b", content) // what the host does with ErrUnavailable
	if again != nil && !errors.Is(again, storage.ErrExists) || err == nil && again == nil {
		t.Errorf("put again: %v after %v", again, err)
	}
	wantContent(t, direct, "a/b", content)
	versions, uploads := remains(t, server, s.bucket)
	if versions["a/b"] != 1 || len(versions) != 1 {
		t.Errorf("versions in the bucket: %v", versions)
	}
	// A create whose answer is lost leaves an upload that nobody can name, and
	// this server brings an upload back for a part that it takes too late.
	if uploads != 0 && op == "CompleteMultipartUpload" {
		t.Errorf("%d uploads are left", uploads)
	}
}

// errBadDigest: S3's own retries leave out bytes that were changed on their
// way (400), which are the host's to put again.
func errBadDigest(err error) error {
	if strings.Contains(err.Error(), "BadDigest") {
		return storage.ErrUnavailable
	}
	return errors.New("another")
}

// watchKey looks at a key over and over, and demands that it is absent or whole.
func watchKey(t *testing.T, s *Store, content []byte) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			_, err := s.Stat(ctx, "a/b")
			if !errors.Is(err, storage.ErrNotFound) && ctx.Err() == nil {
				have, err := get(ctx, s, "a/b")
				if ctx.Err() == nil && (err != nil || !bytes.Equal(have, content)) {
					t.Errorf("a reader sees %d bytes, %v", len(have), err)
				}
				return // it stays as it is
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

func TestGetThroughFaults(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	content := noise(3, 400_000)
	tests := []struct {
		name  string
		fault s3test.Fault
		times int
		want  error // of the read; nil means the whole content
		is    error // also
	}{
		{"reset", s3test.ResetResponse(100_000), 2, nil, nil},
		{"truncated", s3test.Truncate(100_000), 3, nil, nil},
		{"truncated each time at the start", s3test.Truncate(10), -1, storage.ErrUnavailable, io.ErrUnexpectedEOF},
		{"reset each time at the start", s3test.ResetResponse(0), -1, storage.ErrUnavailable, nil},
		{"shortened, and says so", s3test.Shorten(1000), 1, storage.ErrUnavailable, nil},
		{"shortened each time", s3test.Shorten(1000), -1, storage.ErrCorrupt, nil},
		{"a byte is changed on the way", s3test.Corrupt(200_000), 1, storage.ErrUnavailable, nil},
		{"a byte is changed each time", s3test.Corrupt(200_000), -1, storage.ErrCorrupt, nil},
		{"slow loris", s3test.Drip(10 * time.Millisecond), 1, nil, nil},
		{"slow loris each time", s3test.Drip(10 * time.Millisecond), -1, storage.ErrUnavailable, nil},
		{"503", s3test.SlowDown("0"), 2, nil, nil},
		{"503 each time", s3test.SlowDown(""), -1, storage.ErrUnavailable, nil},
		{"no answer", s3test.Stall(), 1, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			c := settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root)
			c.limits.answer, c.limits.stall = time.Second, 200*time.Millisecond
			s := open(t, c)
			mustPut(t, s, "k", content)
			rule := p.Order(s3test.Op("GetObject"), test.times, test.fault)
			have, err := get(t.Context(), s, "k")
			if test.want == nil && (err != nil || !bytes.Equal(have, content)) {
				t.Errorf("%d bytes, %v", len(have), err)
			}
			if test.want != nil && (!errors.Is(err, test.want) || test.is != nil && !errors.Is(err, test.is)) {
				t.Errorf("%v, want %v, %v", err, test.want, test.is)
			}
			if test.times > 0 && rule.Hits() != test.times || rule.Hits() == 0 {
				t.Errorf("struck %d times, want %d", rule.Hits(), test.times)
			}
		})
	}
}

// TestReplacedWhileRead: what broke off is not continued with another object.
func TestReplacedWhileRead(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
	first, second := noise(4, 400_000), noise(5, 400_000)
	mustPut(t, s, "k", first)
	p.Order(s3test.Op("GetObject"), 1, s3test.Truncate(1000))
	r, err := s.Get(t.Context(), "k", 1, -1) // a part has no digest to be compared with
	if err != nil {
		t.Fatal(err)
	}
	req := request("k", second)
	req.Replaces = request("k", first).SHA256
	if _, err := s.Put(t.Context(), req, bytes.NewReader(second)); err != nil {
		t.Fatal(err)
	}
	if have, err := io.ReadAll(r); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("%d bytes, %v", len(have), err)
	}
	_ = r.Close()
	wantContent(t, s, "k", second)
}

// TestStoreThatLags: a 404 for what was just written is not believed.
func TestStoreThatLags(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	for name, test := range map[string]struct {
		lag  int
		want error
	}{"a little": {2, nil}, "for long": {1000, storage.ErrUnavailable}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
			p.Order(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/k") }, -1, s3test.Lag(test.lag))
			mustPut(t, s, "k", []byte("one"))
			if _, err := s.Stat(t.Context(), "k"); !errors.Is(err, test.want) {
				t.Errorf("stat: %v, want %v", err, test.want)
			}
			if have, err := get(t.Context(), s, "k"); !errors.Is(err, test.want) || err == nil && string(have) != "one" {
				t.Errorf("get: %q, %v, want %v", have, err, test.want)
			}
			if err := put(t.Context(), s, "k", []byte("one")); !errors.Is(err, storage.ErrExists) && !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("put again: %v", err)
			}
			if _, err := s.Stat(t.Context(), "never/was"); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("stat of what never was: %v", err)
			}
		})
	}
}

// TestRivalInALostAnswer: another's object is not taken for ours, and ours
// not for another's, when the answer is lost.
func TestRivalInALostAnswer(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	bucket := server.Bucket(t, s3test.Plain)
	s, rival := open(t, settings(p.URL(), bucket, server.Root)), open(t, settings(server.URL(), bucket, server.Root))
	mustPut(t, rival, "k", []byte("rival's"))
	p.Order(s3test.Op("PutObject"), -1, s3test.ErrorAfterCommit())
	if err := put(t.Context(), s, "k", []byte("rival's")); !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storage.ErrExists) {
		t.Errorf("the same bytes by another Put: %v", err)
	}
	wantContent(t, rival, "k", []byte("rival's"))
}

func TestManyWritersOfParts(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	bucket := server.Bucket(t, s3test.Versioned)
	const writers = 4
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		s := open(t, settings(server.URL(), bucket, server.Root))
		wg.Go(func() { errs[i] = put(t.Context(), s, "race", noise(uint64(i), minPart+1+i)) })
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, storage.ErrExists):
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	wantContent(t, open(t, settings(server.URL(), bucket, server.Root)), "race", noise(uint64(winner), minPart+1+winner))
	if versions, uploads := remains(t, server, bucket); versions["race"] != 1 || uploads != 0 {
		t.Errorf("versions %v, %d uploads left", versions, uploads)
	}
}

// TestGivenUp: an upload in parts that cannot end is aborted, whatever ended it.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	content := noise(6, minPart+1)
	lie := request("k", content)
	lie.SHA256 = request("k", content[1:]).SHA256
	broken := errors.New("the source broke")
	tests := []struct {
		name string
		req  storage.PutRequest
		body io.Reader
		rule s3test.Fault
		want error
	}{
		{"other bytes", lie, bytes.NewReader(content), nil, storage.ErrCorrupt},
		{"too few", request("k", content), bytes.NewReader(content[1:]), nil, storage.ErrCorrupt},
		{"too many", request("k", content), io.MultiReader(bytes.NewReader(content), strings.NewReader("x")), nil, storage.ErrCorrupt},
		{"body breaks", request("k", content), io.MultiReader(bytes.NewReader(content[1:]), iotest.ErrReader(broken)), nil, broken},
		{"part refused", request("k", content), bytes.NewReader(content), s3test.Refuse(403, "AccessDenied", "No."), storage.ErrPermission},
		{"quota", request("k", content), bytes.NewReader(content), s3test.Refuse(403, "QuotaExceeded", "Full."), storage.ErrFull},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			bucket := server.Bucket(t, s3test.Versioned)
			s := open(t, settings(p.URL(), bucket, server.Root))
			if test.rule != nil {
				p.Order(func(r *http.Request) bool { return s3test.Op("UploadPart")(r) && strings.HasSuffix(r.URL.Path, "/k") }, -1, test.rule)
			}
			if _, err := s.Put(t.Context(), test.req, test.body); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if versions, uploads := remains(t, server, bucket); len(versions) != 0 || uploads != 0 {
				t.Errorf("left: versions %v, %d uploads", versions, uploads)
			}
		})
	}
}
