package s3test

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Uploader is the SDK's own, with its defaults but for the parts' size and
// number: the measure of what an uploader can reach.
func (s *Server) Uploader(bucket string, part int64, concurrency int) func(ctx context.Context, key string, body io.Reader) error {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(s.URL()), UsePathStyle: true, Region: Region,
		Credentials: credentials.NewStaticCredentialsProvider(s.Root.ID, s.Root.Secret, ""),
	})
	manager := transfermanager.New(client, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold, o.Concurrency = part, part, concurrency
	})
	return func(ctx context.Context, key string, body io.Reader) error {
		_, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &bucket, Key: &key, Body: body})
		if err != nil {
			return fmt.Errorf("upload: %w", err)
		}
		return nil
	}
}
