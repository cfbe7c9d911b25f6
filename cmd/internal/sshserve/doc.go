// Package sshserve serves a terminal program over SSH, to those whose keys are
// listed, and nothing else: no shell, no command, no file transfer, no
// forwarding, no password.
//
// # Who gets in
//
// Keys are in files of OpenSSH's authorized_keys format, which are read at each
// attempt: a line that is taken out is no way in for the next connection. A
// line with an option that this program does not honour lets nobody in, since
// ignoring it could let in who was to be kept out. Files that others than their
// owner can write are not used. Whether a key may only read is decided by the key that has
// signed, when its session begins, never by one that was merely offered.
//
// # Goroutines
//
// Serve ends when its context does: it stops listening, ends the sessions'
// contexts, and waits for their programs, for a while; then it closes their
// connections. Each session has a program of its own, which ends with the
// connection, with Idle, or by itself. What a session has told (sizes) is drained until
// its channel is closed, so that a client cannot hold a goroutine.
package sshserve
