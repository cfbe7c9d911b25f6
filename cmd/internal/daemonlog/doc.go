// Package daemonlog reads the last lines of the collector's log from where its
// standard error goes: the system's journal, or a file. The collector writes
// no log of its own, so that what is read is as true as that place is; a
// collector that was started from a shell is in neither.
//
// What is read is bounded in bytes, lines and time. Nothing is followed: who
// wants to see more asks again.
package daemonlog
