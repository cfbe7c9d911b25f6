// Package pluginhost starts plugins as processes of their own and keeps them
// going.
//
// # Life of a plugin
//
//	Launch ── pin ── start ── handshake ── describe ── check settings ── configure ──► running
//	running ── crash, or a hang that a describe does not answer ──► down
//	down ── next use, not before its backoff ── start … configure ──► running
//	running | down ── Close: drain, shutdown, SIGKILL of the process group ──► closed
//
// An Instance hands out one source.Source or storage.Storage that outlives
// its processes: a call under way when a process dies fails with
// ErrPluginGone (storage.ErrUnavailable, source.ClassRetry), the next call
// starts a new process.
//
// # Trust
//
// A third party's binary runs only if its SHA-256 is pinned and if neither it
// nor its folder can be written by others; the hash is taken anew before each
// start. A plugin gets no environment but what its Spec names, no terminal,
// a process group and a socket folder of its own, and dies with the host (on
// Linux at once, by the kernel; elsewhere when its connection breaks).
//
// go-plugin starts the process, shakes hands and sets up mutual TLS. The
// connection after that is this package's own: go-plugin's would accept
// messages of 2 GiB, keep a broker whose tables a plugin can grow without
// end, and leak both if the process dies between handshake and first call.
package pluginhost
