// Package shell is the interactive shell of rainlogs sql: lines become
// statements, statements become questions of a worker process, answers are written and
// say what they stand on.
//
//	Shell      the session: range, zones, format, where output goes, what was defined
//	statement  where a statement ends
//	commands   .help, .schema and the others that begin with a dot
//	Editor     a terminal's line editor, with history and completion
//
// Each statement is a question of its own and sees nothing of those before.
// What defines something (CREATE, INSERT, UPDATE, DELETE, DROP) is therefore kept, and runs before
// each later statement; .reset forgets it.
//
// The line editor is github.com/peterh/liner: small (3,300 lines, one
// dependency), MIT, released in this year, and it leaves the terminal in a mode in which Ctrl-C is a
// signal while a statement runs. reeflective/readline edits several lines at once, but is
// ten times as large and reads the user's .inputrc; chzyer/readline and bubbline are not kept.
package shell
