// Package server is the REST API of the collector.
//
// # The way of a request
//
//	shield      request id, security headers, log, panics, form of the path
//	route       the standard mux; what it does not know is a problem too
//	guard       backend, key, role, rate limits; before anything of the body is read
//	plain       what can be read in several ways is refused
//	huma        reads and validates against the schema that /openapi.json shows
//	audit       a mutating act is entered before it begins, and its outcome after
//	handler     asks the backend, always within one customer
//
// # Isolation
//
// Every handler that is about a zone begins with zone, which compares its owner
// with the key's customer; what is another's is answered as what is not there,
// by the same words. A tenant's zone has an id that is derived from the tenant:
// two that collect one Cloudflare zone have two chains, and learn nothing of
// each other.
//
// # Status page
//
// page serves HTML to who has signed in with a key, by the same questions as
// the handlers: always within one customer. A session is a signed cookie and is
// kept nowhere; its signature is made with the key's hash, so that every node
// knows it and it ends with the key.
//
// # States
//
// A server has a backend (Attach) or none; without one it answers 503. A daemon
// that ends or reads its config anew detaches, which waits for the requests
// under way, and cuts them off when their time is over.
//
// # Memory
//
// Records that are not sent as they are stored are unpacked frame by frame into
// memory that all such answers share (lender). Who waits for its client may lose
// its frame to who goes on, and unpacks it again: memory does not grow with the
// clients' number, nor with their slowness. Files are read where they lie; what a
// storage plugin streams is read ahead by gRPC, up to 4 MiB for each answer.
//
// # Failure behaviour
//
// Who cannot be known, because the catalog is away, is not let in. An act that
// cannot be entered in the audit log is not begun. An answer of records whose bytes are
// not the sealed ones ends before its last byte, by a connection that is cut
// off: no client takes it for whole. Before its first byte it is a problem.
package server
