package s3test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Cover writes over every other one of a bucket's objects that match, with a
// key's rights, and marks the rest as deleted. It returns the objects.
func (s *Server) Cover(ctx context.Context, key Key, bucket string, match func(object string) bool) ([]string, error) {
	client := s.Client(key)
	var objects []string
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list objects: %w", err)
		}
		for _, o := range page.Contents {
			if match(*o.Key) {
				objects = append(objects, *o.Key)
			}
		}
	}
	for i := range objects {
		var err error
		if i%2 == 0 {
			_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &objects[i], Body: strings.NewReader("forged")})
		} else {
			_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &objects[i]})
		}
		if err != nil {
			return nil, fmt.Errorf("cover %s: %w", objects[i], err)
		}
	}
	return objects, nil
}

// DeleteVersions tries to delete every version of the objects that match, with
// a key's rights, and returns which could be and which not.
func (s *Server) DeleteVersions(ctx context.Context, key Key, bucket string, match func(object string) bool) (deleted, refused []string, err error) {
	client := s.Client(key)
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return deleted, refused, fmt.Errorf("list versions: %w", err)
		}
		for _, v := range page.Versions {
			if !match(*v.Key) {
				continue
			}
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: v.Key, VersionId: v.VersionId}); err != nil {
				refused = append(refused, *v.Key)
			} else {
				deleted = append(deleted, *v.Key)
			}
		}
	}
	return deleted, refused, nil
}
