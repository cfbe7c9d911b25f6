package s3

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// policyOf reads the policy that docs/s3.md recommends, for a bucket and a user.
func policyOf(t *testing.T, bucket, user string, take func(sid string) bool) string {
	t.Helper()
	doc, err := os.ReadFile("../../../docs/s3.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "```json\n")
	text, _, _ = strings.Cut(text, "```")
	text = strings.NewReplacer("BUCKET", bucket, "COLLECTOR", user).Replace(text)
	var policy struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatalf("policy in docs/s3.md: %v", err)
	}
	var some []map[string]any
	for _, s := range policy.Statement {
		if take(fmt.Sprint(s["Sid"])) {
			some = append(some, s)
		}
	}
	policy.Statement = some
	b, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRecommendedPolicy: with the rights that the documentation lists and no
// more, all of the plugin works, and no mark of deletion can hide evidence.
func TestRecommendedPolicy(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	bucket := server.Bucket(t, s3test.Locked)
	apply := func(take func(sid string) bool) error {
		policy := policyOf(t, bucket, collector.ID, take)
		_, err := server.Client(server.Root).PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
		return err
	}
	if err := apply(func(string) bool { return true }); err == nil {
		t.Error("this server knows a condition on if-none-match by now: the test should be held to it")
	}
	if err := apply(func(sid string) bool { return sid != "WriteOnce" }); err != nil {
		t.Fatal(err)
	}
	c := settings(server.URL(), bucket, collector)
	c.Lock = LockCompliance
	s, raw := open(t, c), server.Client(collector)
	content := noise(4, 1000)
	req := request("logs/zone/a", content)
	req.RetainUntil = time.Now().Add(48 * time.Hour)
	if _, err := s.Put(t.Context(), req, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"logs/zone/a", "chain/zone/d/checkpoint", "rainlogs.json"} {
		_, err := raw.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String(key)})
		if answerOf(err).status != http.StatusForbidden {
			t.Errorf("mark %s as deleted: %v, want 403", key, err)
		}
	}
	cover(t, raw, bucket, "logs/zone/a", "put")
	wantFirst(t, s, "logs/zone/a", content)
	if err := s.Uncover(t.Context(), "logs/zone/a", req.SHA256); err != nil {
		t.Errorf("uncover: %v", err)
	}
	wantContent(t, s, "logs/zone/a", content)
	if err := s.Delete(t.Context(), "logs/zone/a"); !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "until 20") {
		t.Errorf("delete what is locked: %v", err)
	}
	mustPut(t, s, "logs/zone/free", content)
	if err := s.Delete(t.Context(), "logs/zone/free"); err != nil {
		t.Errorf("delete what is not locked: %v", err)
	}
	mustPut(t, s, "logs/zone/parts", noise(5, minPart+1))
	mustPut(t, s, "chain/zone/d/checkpoint", []byte("one"))
	swap := request("chain/zone/d/checkpoint", []byte("two"))
	swap.Replaces = request("", []byte("one")).SHA256
	if _, err := s.Put(t.Context(), swap, strings.NewReader("two")); err != nil {
		t.Errorf("replace the pointer: %v", err)
	}
	checks, err := s.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range checks {
		if k.Status == probe.Fail || k.Status == probe.Unknown {
			t.Errorf("probe: %+v", k)
		}
	}
}
