package s3

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	with := func(header string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Header.Get(header) != "" }
	}
	all, inParts := conditions{absent: true, match: true, checksum: true}, conditions{absent: true, checksum: true}
	tests := []struct {
		name  string
		match func(*http.Request) bool
		fault s3test.Fault
		want  conditions
		parts conditions
	}{
		{"all honoured", with("X-Nothing"), nil, all, inParts},
		{"If-None-Match ignored", with("If-None-Match"), s3test.Without("If-None-Match"), conditions{match: true, checksum: true}, conditions{checksum: true}},
		{"If-None-Match refused", with("If-None-Match"), s3test.Refuse(501, "NotImplemented", "No."), conditions{match: true, checksum: true}, conditions{checksum: true}},
		{"If-Match ignored", with("If-Match"), s3test.Without("If-Match"), conditions{absent: true, checksum: true}, inParts},
		{"checksum ignored", with("X-Amz-Checksum-Sha256"), s3test.Without("X-Amz-Checksum-Sha256"), conditions{absent: true, match: true}, conditions{absent: true}},
		{"checksum refused", with("X-Amz-Checksum-Sha256"), s3test.Refuse(501, "NotImplemented", "No."), conditions{absent: true, match: true}, conditions{absent: true}},
		{"ignored when parts are completed", s3test.Op("CompleteMultipartUpload"), s3test.Without("If-None-Match"), all, conditions{checksum: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := s3test.NewProxy(t, server)
			bucket := server.Bucket(t, s3test.Versioned)
			s := open(t, settings(p.URL(), bucket, server.Root))
			p.Order(test.match, -1, test.fault)
			have, err := s.conditions(t.Context())
			if diff := cmp.Diff(test.want, have, cmp.AllowUnexported(conditions{})); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			parts, err := s.conditionsOfParts(t.Context())
			if err != nil || parts != test.parts {
				t.Errorf("parts: %+v, %v, want %+v", parts, err, test.parts)
			}
			if versions, uploads := remains(t, server, bucket); len(versions) != 0 || uploads != 0 {
				t.Errorf("left: %v, %d uploads", versions, uploads)
			}
			mustPut(t, s, "small", []byte("x"))
			mustPut(t, s, "large", noise(1, minPart+1))
			wantContent(t, s, "large", noise(1, minPart+1))
		})
	}
}

// TestProbeFails: a store that cannot be asked is not taken for one that
// honours nothing.
func TestProbeFails(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	p := s3test.NewProxy(t, server)
	s := open(t, settings(p.URL(), server.Bucket(t, s3test.Plain), server.Root))
	p.Order(s3test.Op("PutObject"), 6, s3test.SlowDown(""))
	if c, err := s.conditions(t.Context()); err == nil || s.probed != nil {
		t.Errorf("%v, %v", c, err)
	}
	if err := put(t.Context(), s, "k", nil); err == nil {
		t.Error("the store was not asked again")
	}
	mustPut(t, s, "k", nil)
}

// TestProbesUnderDefaultRetention leave one object, however many there are.
func TestProbesUnderDefaultRetention(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	bucket := server.Bucket(t, s3test.Locked)
	_, err := server.Client(server.Root).PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
		Bucket: &bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Days: aws.Int32(1)}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		s := open(t, settings(server.URL(), bucket, server.Root))
		wg.Go(func() {
			if c, err := s.conditions(t.Context()); err != nil || !c.absent || !c.match {
				t.Errorf("%+v, %v", c, err)
			}
			if c, err := s.conditionsOfParts(t.Context()); err != nil || !c.absent {
				t.Errorf("parts: %+v, %v", c, err)
			}
			for info, err := range s.List(t.Context(), "", "") {
				t.Errorf("listed: %s, %v", info.Key, err)
			}
		})
	}
	wg.Wait()
	if versions, uploads := remains(t, server, bucket); len(versions) != 1 || versions[probeKey] != 1 || uploads != 0 {
		t.Errorf("left: %v, %d uploads", versions, uploads)
	}
	if !strings.HasPrefix(probeKey, ".") {
		t.Error("the probe's key could be listed")
	}
}
