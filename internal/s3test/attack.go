package s3test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

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
