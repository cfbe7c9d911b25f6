package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// probeKey is no key of ours: what begins with a dot is never listed.
const probeKey = ".rainlogs-probe"

const probeText = "RainLogs asks this store whether it honours conditional writes. This object may be deleted.\n"

// noETag is no object's.
const noETag = `"00000000000000000000000000000000"`

// wrongDigest is no text's.
var wrongDigest = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// conditions are what a store honours on PutObject.
type conditions struct {
	absent   bool // If-None-Match: *
	match    bool // If-Match
	checksum bool // x-amz-checksum-sha256 is compared with the bytes
}

// conditions asks the store, once, what it honours.
//
// The object is the same each time: where a default retention locks it, it
// stays, and the next process is answered by a refusal instead of adding
// another. Where it can be deleted, another process may delete it between two
// requests; so what looks as if conditions were ignored is tried again under a
// name that nobody else has.
func (s *Store) conditions(ctx context.Context) (conditions, error) {
	if err := s.asking.Acquire(ctx, 1); err != nil {
		return conditions{}, err
	}
	defer s.asking.Release(1)
	if s.probed != nil {
		return *s.probed, nil
	}
	c, err := s.newProbe(probeKey).run(ctx)
	if err == nil && (!c.absent || !c.match) {
		c, err = s.newProbe(probeKey + "-" + s.cfg.NewID()).run(ctx)
	}
	if err != nil {
		return c, fmt.Errorf("probe the store: %w", err)
	}
	s.probed = &c
	if c.absent && c.match {
		s.cfg.Log.InfoContext(ctx, "store honours conditional writes", "bucket", s.bucket, "checksum", c.checksum)
	} else {
		s.cfg.Log.WarnContext(ctx, "store does not honour conditional writes: objects are looked for before and after a write instead",
			"bucket", s.bucket, "if_none_match", c.absent, "if_match", c.match, "checksum", c.checksum)
	}
	return c, nil
}

// asking is one round of questions, and what it leaves in the bucket until it ends.
type asking struct {
	s         *Store
	key, mark string
	made      bool // there is an object of the mark
}

func (s *Store) newProbe(key string) *asking { return &asking{s: s, key: key, mark: s.cfg.NewID()} }

func (p *asking) run(ctx context.Context) (c conditions, err error) {
	defer func() { p.sweep(ctx) }()
	if c.absent, err = p.refuses(ctx, &s3.PutObjectInput{IfNoneMatch: aws.String("*")}); err != nil {
		return c, err
	}
	if !c.absent && p.made { // now it is there
		if c.absent, err = p.refuses(ctx, &s3.PutObjectInput{IfNoneMatch: aws.String("*")}); err != nil {
			return c, err
		}
	}
	if c.match, err = p.refuses(ctx, &s3.PutObjectInput{IfMatch: aws.String(noETag)}); err != nil {
		return c, err
	}
	// A wrong checksum leaves nothing where checksums are compared.
	c.checksum, err = p.refuses(ctx, &s3.PutObjectInput{ChecksumSHA256: base64Digest(wrongDigest)})
	return c, err
}

// refuses reports whether a write is refused whose condition may not hold,
// and for that reason.
func (p *asking) refuses(ctx context.Context, in *s3.PutObjectInput) (bool, error) {
	content := []byte(probeText)
	in.Bucket, in.Key, in.Body = &p.s.bucket, p.s.key(p.key), bytes.NewReader(content)
	in.ContentLength, in.ContentType, in.Metadata = aws.Int64(int64(len(content))), aws.String("text/plain"), p.metadata()
	if in.ChecksumSHA256 == nil {
		in.ContentMD5 = md5Of(content) // demanded where a bucket locks what is put
	}
	sum := sha256.Sum256(content)
	_, err := p.s.api.PutObject(ctx, in, payload(hex.EncodeToString(sum[:]), in.ChecksumSHA256 != nil))
	if err == nil {
		p.made = true
		return false, nil
	}
	a := answerOf(err)
	switch {
	case in.ChecksumSHA256 != nil && a.badDigest():
		return true, nil
	case in.ChecksumSHA256 == nil && (a.refused() || a.conflict() || in.IfMatch != nil && a.notFound()):
		return true, nil
	case a.unsupported():
		return false, nil
	}
	return false, p.s.classify(ctx, err)
}

func (p *asking) metadata() map[string]string { return map[string]string{metaPut: p.mark} }

// sweep removes what the asking has made, also by a request whose answer was
// lost. What a lock keeps stays.
func (p *asking) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	const most = 8 // writes of one asking
	for range most {
		head, err := p.s.head(ctx, p.key)
		if err != nil || head.Metadata[metaPut] != p.mark {
			return
		}
		_, err = p.s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.s.bucket, Key: p.s.key(p.key), VersionId: head.VersionId})
		if err != nil {
			p.s.cfg.Log.DebugContext(ctx, "an object that asked the store stays", "key", p.key, "error", p.s.classify(ctx, err))
			return
		}
	}
}

// lockable demands that the bucket has Object Lock. There are stores that
// refuse a lock elsewhere after they have written the object.
func (s *Store) lockable(ctx context.Context) error {
	if err := s.asking.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.asking.Release(1)
	if s.locks {
		return nil
	}
	out, err := s.api.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &s.bucket})
	switch a := answerOf(err); {
	case err == nil && out.ObjectLockConfiguration != nil && out.ObjectLockConfiguration.ObjectLockEnabled == types.ObjectLockEnabledEnabled:
		s.locks = true
		return nil
	case err == nil, a.unsupported(), a.status == http.StatusNotFound:
		return fmt.Errorf("bucket %q has no Object Lock: most stores give it only to a bucket made with it; make one, or set lock to none", s.bucket)
	case a.status == http.StatusForbidden: // the keys may lock, and not ask
		s.cfg.Log.WarnContext(ctx, "the keys lack the right to ask whether the bucket has Object Lock", "bucket", s.bucket)
		s.locks = true
		return nil
	}
	return s.classify(ctx, err)
}
