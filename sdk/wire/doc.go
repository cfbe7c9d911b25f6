// Package wire carries the ports of package sdk over gRPC between the host
// and a plugin process, on top of hashicorp/go-plugin.
//
// A Client in the host is an implementation of source.Source or
// storage.Storage; Register in the plugin serves one. Protobuf types never
// leave this folder.
//
//	Base     Describe · Configure · Drain         every plugin
//	Source   Describe · Probe · Pull              one of the two
//	Storage  Put · Get · Stat · List · Delete · LocalPath
//
// Payloads are streams: a header, frames of at most MaxFrame bytes, and a
// trailer with the length and SHA-256 of what went before. Both ends hash
// while they copy, and a reader sees io.EOF only after a trailer that fits. One
// end of a Put leaves the hashing to another: in the plugin the trailer has to
// say what the request promised, and the storage compares the bytes with that,
// as the port demands. Frames are copied from gRPC's buffers to the reader's and nowhere
// in between.
//
// The two ends do not trust each other alike. The plugin believes the host.
// The host believes nothing: it bounds every message, string and list, refuses
// answers about another key, lists out of order, frames that are empty, too
// large or behind the trailer, and cuts off a call that makes no progress.
// Each is an error of that one call: ErrProtocol, ErrIdle or ErrPluginGone.
//
// Failure classes cross as they are: errors.Is with the sentinels of package
// storage and errors.As with *source.Error hold on both sides. A lost process
// is storage.ErrUnavailable to a caller of a storage and source.ClassRetry to
// a caller of a source.
package wire

//go:generate buf generate ../.. --template ../../buf.gen.yaml -o ../..
