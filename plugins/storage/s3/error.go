package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// maxWords is how much of a server's message is repeated.
const maxWords = 200

// answer is what a server said: zero where it said nothing.
type answer struct {
	status  int
	code    string // HEAD has none: it has no body
	message string
}

func answerOf(err error) answer {
	var a answer
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) {
		a.status = resp.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		a.code, a.message = api.ErrorCode(), api.ErrorMessage()
	}
	return a
}

func (a answer) notFound() bool {
	return a.status == http.StatusNotFound && a.code != "NoSuchBucket" && a.code != "NoSuchUpload"
}

func (a answer) refused() bool { return a.status == http.StatusPreconditionFailed }

// conflict: another write of the object was under way.
func (a answer) conflict() bool {
	return a.status == http.StatusConflict && (a.code == "ConditionalRequestConflict" || a.code == "OperationAborted" || a.code == "")
}

func (a answer) rangeBeyond() bool { return a.status == http.StatusRequestedRangeNotSatisfiable }

// badDigest: the bytes are not those that a checksum in the request is of.
func (a answer) badDigest() bool {
	switch a.code {
	case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
		return true
	}
	return false
}

// unsupported: the server does not know this kind of request, or of header.
func (a answer) unsupported() bool {
	switch a.status {
	case http.StatusNotImplemented, http.StatusMethodNotAllowed, http.StatusBadRequest:
		return true
	}
	return false
}

// class returns what the operator may do about it and the port's sentinel,
// after S3's list of error codes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and
// those that other servers add.
func (a answer) class(s *Store) (hint string, sentinel error) {
	switch a.code {
	case "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %q at %s: make it, or set bucket and region", s.bucket, s.endpoint), storage.ErrPermission
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return "check the keys", storage.ErrPermission
	case "RequestTimeTooSkewed":
		return "this machine's clock and the store's differ", storage.ErrPermission
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException":
		return "check region and endpoint; redirects are not followed", nil
	case "RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable", "OperationAborted":
		return "", storage.ErrUnavailable
	case "NoSuchUpload":
		return "the store has forgotten the upload", storage.ErrUnavailable
	case "ObjectParentIsFile", "ExistingObjectIsDirectory": // stores over a file system
		return "a key is an object or a prefix of others, not both", storage.ErrExists
	case "ObjectLocked":
		return "", storage.ErrLocked
	}
	if a.badDigest() { // changed on their way: they were compared before
		return "", storage.ErrUnavailable
	}
	if strings.Contains(a.code, "Quota") || strings.Contains(a.code, "StorageFull") || a.code == "InsufficientCapacity" {
		return "", storage.ErrFull
	}
	return a.statusClass()
}

func (a answer) statusClass() (hint string, sentinel error) {
	switch {
	case a.status == http.StatusForbidden && a.aboutLock():
		return "", storage.ErrLocked
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return "the keys lack a right on the bucket", storage.ErrPermission
	case a.status == http.StatusInsufficientStorage:
		return "", storage.ErrFull
	case a.notFound():
		return "", storage.ErrNotFound
	case a.status >= 300 && a.status < 400:
		return "check region and endpoint; redirects are not followed", nil
	case a.status == http.StatusNotImplemented:
		return "the store does not know this kind of request", nil
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.status >= 500:
		return "", storage.ErrUnavailable
	case a.status == 0 || a.status < 300: // no answer, or one that cannot be read
		return "", storage.ErrUnavailable
	}
	return "", nil
}

// aboutLock: servers tell a lock's refusal from a missing right by words alone.
func (a answer) aboutLock() bool {
	words := strings.ToLower(a.message)
	for _, w := range []string{"object lock", "worm", "retention", "legal hold", "locked"} {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

// classify translates an error of the SDK into the port's, with words of its
// own: the SDK's repeat URLs and whatever the server sent.
func (s *Store) classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	a := answerOf(err)
	hint, sentinel := a.class(s)
	text := s.describe(a, err)
	if hint != "" {
		text += " (" + hint + ")"
	}
	if sentinel == nil {
		return errors.New(text)
	}
	return fmt.Errorf("%w: %s", sentinel, text)
}

func (s *Store) describe(a answer, err error) string {
	var text string
	switch {
	case a.code != "" && a.message != "":
		text = fmt.Sprintf("%s: %s", a.code, a.message)
	case a.status != 0:
		text = fmt.Sprintf("the store answers %d %s %s", a.status, http.StatusText(a.status), a.code)
	default:
		text = rootCause(err).Error()
	}
	text = strings.TrimSpace(strings.ToValidUTF8(s.keys.clean(text), "?"))
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return text
}

// rootCause leaves out the SDK's account of its own middleware.
func rootCause(err error) error {
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) && send.Err != nil {
		return send.Err
	}
	var op *smithy.OperationError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}
