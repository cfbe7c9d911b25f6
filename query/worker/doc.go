// Package worker puts a process boundary around queries: a worker process
// answers, and the program that asks can end it.
//
// # Why
//
// DuckDB looks for an interrupt between chunks of rows. A single call that
// takes minutes (levenshtein of two long texts, folded while the statement is still
// planned) never looks, and a thread that runs C++ cannot be stopped from outside. A process can.
//
// # Who goes through it
//
// Whatever lives on after a question: the shell (rainlogs sql), a screen, a
// server. The one-shot commands (query, logs) do not: their own process is the boundary. An
// interrupt that is not obeyed within a second ends it, its temporary folder is removed
// before, and a second process would only cost its start.
//
// # States
//
// A Client has at most one idle worker. A question takes it, or starts one:
//
//	Ask ── objects are checked ── SQL runs ── head ── rows ── end ──► idle
//	    └── ctx ends, or Close before the end: cancel ── end within Grace ──► idle
//	                                                  └── else SIGKILL ──► gone
//	    └── the time limit has passed by Grace ── SIGKILL ──► gone
//	    └── the worker dies: ErrDied, of this question only ──► gone
//
// Questions asked at once get workers of their own. Ask and Result.Close
// return only when the question has ended or its process has: whoever then says
// "interrupted" says what is so.
//
// # Boundary
//
// Frames (type, length, payload) go over the worker's standard input and
// output; whatever else in the process prints to standard output is sent to
// standard error. A frame has at most 4 MiB. Rows are one stream of bytes
// cut into frames, so that a cell of any size crosses; a reader that is slow fills the pipe, and
// the worker waits. Cells cross exactly, by a code of their own (see cell.go);
// all else is gob, each frame by itself. Errors keep their sentinels, a
// *dataset.DamageError its fields. Nothing is on the command line but what the caller puts
// there; secrets come to the worker as to its parent, by config and environment.
//
// # What is left behind
//
// Nothing. A worker has a process group and a temporary folder of its own
// (its TMPDIR: spilled sorts, fetched objects, its plugins' sockets). Its plugins die with it,
// as pluginhost has it; the parent removes the folder once the process is reaped. If
// the parent dies, the worker's input ends (and on Linux the kernel sends SIGTERM): it stops what it does, and
// if that takes more than Grace, removes its folder and exits. A folder whose parent and worker were
// killed together is removed by the next Client on the machine: its lock is free.
package worker
