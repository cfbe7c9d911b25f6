package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// conditionsOfParts asks the store, once, what it honours of uploads in parts:
// there are some that honour conditions, or compare checksums, of PutObject alone.
func (s *Store) conditionsOfParts(ctx context.Context) (conditions, error) {
	if err := s.asking.Acquire(ctx, 1); err != nil {
		return conditions{}, err
	}
	defer s.asking.Release(1)
	if s.inParts != nil {
		return *s.inParts, nil
	}
	c, err := s.newProbe(probeKey).parts(ctx)
	if err == nil && !c.absent {
		c, err = s.newProbe(probeKey + "-" + s.cfg.NewID()).parts(ctx)
	}
	if err != nil {
		return conditions{}, fmt.Errorf("probe the store: %w", err)
	}
	if s.inParts = &c; !c.absent {
		s.cfg.Log.WarnContext(ctx, "store does not honour conditions on uploads in parts: objects are looked for before and after a write instead",
			"bucket", s.bucket, "checksum", c.checksum)
	}
	return c, nil
}

func (p *asking) parts(ctx context.Context) (c conditions, err error) {
	defer func() { p.sweep(ctx) }()
	// Whether this is refused or not, the object is there then.
	if _, err := p.refuses(ctx, &s3.PutObjectInput{IfNoneMatch: aws.String("*")}); err != nil {
		return c, err
	}
	if c.checksum, err = p.refusesPart(ctx); err != nil {
		return c, err
	}
	c.absent, err = p.refusesParts(ctx)
	return c, err
}

// refusesPart reports whether a part with a wrong checksum is refused.
func (p *asking) refusesPart(ctx context.Context) (bool, error) {
	id, err := p.begin(ctx, types.ChecksumAlgorithmSha256)
	if err == nil {
		defer p.s.abort(ctx, p.key, id)
		_, err = p.part(ctx, id, base64Digest(wrongDigest))
	}
	switch a := answerOf(err); {
	case a.badDigest():
		return true, nil
	case err == nil, a.unsupported():
		return false, nil
	}
	return false, p.s.classify(ctx, err)
}

// refusesParts reports whether an upload is not completed over what is there.
func (p *asking) refusesParts(ctx context.Context) (refused bool, err error) {
	id, err := p.begin(ctx, "")
	if err != nil {
		return false, p.s.classify(ctx, err)
	}
	completed := false
	defer func() {
		if !completed {
			p.s.abort(ctx, p.key, id)
		}
	}()
	part, err := p.part(ctx, id, nil)
	if err != nil {
		return false, p.s.classify(ctx, err)
	}
	err = p.complete(ctx, id, part)
	switch a := answerOf(err); {
	case err == nil:
		completed = true
		return false, nil
	case a.refused(), a.conflict():
		return true, nil
	case a.unsupported():
		return false, nil
	}
	return false, p.s.classify(ctx, err)
}

func (p *asking) begin(ctx context.Context, checksum types.ChecksumAlgorithm) (id *string, err error) {
	out, err := p.s.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &p.s.bucket, Key: p.s.key(p.key), ChecksumAlgorithm: checksum, Metadata: p.metadata(),
	})
	if err != nil {
		return nil, err
	}
	return out.UploadId, nil
}

func (p *asking) part(ctx context.Context, id, checksum *string) (types.CompletedPart, error) {
	content := []byte(probeText)
	sum := sha256.Sum256(content)
	in := &s3.UploadPartInput{
		Bucket: &p.s.bucket, Key: p.s.key(p.key), UploadId: id, PartNumber: aws.Int32(1), ChecksumSHA256: checksum,
		Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
	}
	if checksum == nil {
		in.ContentMD5 = md5Of(content)
	}
	out, err := p.s.api.UploadPart(ctx, in, payload(hex.EncodeToString(sum[:]), checksum != nil))
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: in.PartNumber, ETag: out.ETag, ChecksumSHA256: checksum}, nil
}

func (p *asking) complete(ctx context.Context, id *string, part types.CompletedPart) error {
	_, err := p.s.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &p.s.bucket, Key: p.s.key(p.key), UploadId: id, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{part}},
	})
	return err
}
