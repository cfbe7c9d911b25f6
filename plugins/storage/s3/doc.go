// Package s3 is a storage plugin that keeps objects in a bucket of any store
// that speaks S3.
//
//	<prefix>/<key>             an object; x-amz-meta-sha256 is its digest,
//	                           x-amz-meta-rainlogs-put the Put that wrote it
//	<prefix>/.rainlogs-probe   there while a store is asked what it honours
//
// # Writing
//
// A body up to the size of a part is held in memory and sent in one request;
// a larger one goes as a multipart upload, (concurrency + 1) parts in memory
// at most, those of all Puts together. Nothing is visible before length and
// SHA-256 of all that was read have been compared: what differs is ErrCorrupt,
// and the upload is aborted. A request that is repeated sends the bytes that
// are held; the body is read once.
//
// Each payload's SHA-256 is in its request, for the server to compare: as
// x-amz-checksum-sha256, which the signature covers, where the store was seen
// to refuse a wrong one; elsewhere in the signature itself, with Content-MD5.
//
// Only-if-absent is `If-None-Match: *`, Replaces is `If-Match` with the ETag
// of the object whose digest is the one named. Whether a store honours them,
// on PutObject and on CompleteMultipartUpload, is asked of it before the first
// write of a process, and logged. Where it does not, an object is looked for
// before and after it is written, with the key held within this process: that
// keeps apart the writers of one process, and of two processes it tells the
// loser more often than not. One writer for each chain, by its lease, is then
// what prevents a fork, and verification what finds it.
//
// An answer that was lost (a reset after the request, a 500 after the commit)
// leaves open whether the object is there. It is looked for: the mark of the
// Put in its metadata says whether this call has written it. If that cannot
// be found out, the answer is ErrUnavailable, and a repeated Put is ErrExists.
//
// A 404 for what this process wrote a moment ago is a store that has not
// caught up; it is asked again, and then ErrUnavailable.
//
// A crash in a multipart upload leaves parts that no reader sees and that are
// paid for: give the bucket a rule that aborts incomplete uploads after a day.
//
// # Reading
//
// A body that ends early is asked for again from where it ended, if it is
// still the same object. An object read as a whole is compared with the digest
// in its metadata: what differs is read once more, and is ErrCorrupt if it
// differs again, ErrUnavailable if it was changed on its way.
//
// # Locks and deleting
//
// With the setting lock, objects with a retain-until date get it as an Object
// Lock of that mode. Where a bucket keeps versions, Delete removes every
// version of the key, the oldest first: a delete marker would only hide the
// object. The first that is locked ends it with ErrLocked, before anything
// newer is touched.
//
// # Reaching the store
//
// The endpoint is the one that is set, never one of the SDK's choosing, and
// redirects are not followed. Credentials are those that are set, from a
// shared file or from a token file's role; the metadata service of a cloud's
// machines is never asked. Errors contain no secret and no signature.
//
// Goroutines live within one call: the uploads of parts, and the timers that
// end a request which makes no progress.
package s3
