package site

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// The exit codes, the same in every command.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitDamaged     = 3
	ExitIncomplete  = 4
	ExitDenied      = 5
	ExitInterrupted = 130
)

// ExitHelp stands in the help of each command that has more to say than done.
const ExitHelp = `Exit codes: 0 done, 1 failed, 2 usage or config, 3 evidence damaged or tampered with,
4 coverage incomplete (only with --require-complete), 5 not authorised, 130 interrupted.`

// usageError is a wrong flag, argument or config.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// Usage makes err one of the caller's making: ExitUsage.
func Usage(err error) error { return usageError{err} }

// Usagef is Usage of a new error.
func Usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// codeError ends the program with a code after a report that says it all.
type codeError struct {
	code int
	msg  string
}

func (e codeError) Error() string { return e.msg }

// EndWith is an error that ends the program with a code.
func EndWith(code int, msg string) error { return codeError{code, msg} }

// ExitCode maps an error to the program's exit code.
func ExitCode(err error) int {
	var code codeError
	var usage usageError
	var src *source.Error
	var refused *api.Problem
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &code):
		return code.code
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &usage), errors.Is(err, config.ErrNotFound), isCobraUsage(err):
		return ExitUsage
	case errors.Is(err, chain.ErrDamaged):
		return ExitDamaged
	case errors.As(err, &src) && (src.Reason == source.ReasonCredential || src.Reason == source.ReasonNotEntitled):
		return ExitDenied
	case errors.As(err, &refused):
		return codeOf(refused)
	}
	return ExitFailed
}

// codeOf is the exit code of what a server has refused.
func codeOf(p *api.Problem) int {
	switch p.Code {
	case api.CodeUnauthorized, api.CodeForbidden, api.CodeSource, api.CodeRegistrationShut:
		return ExitDenied
	case api.CodeInvalid, api.CodeNotFound:
		return ExitUsage
	case api.CodeDamaged:
		return ExitDamaged
	}
	return ExitFailed
}

// isCobraUsage knows cobra's own complaints, which have no type.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "flag needs an argument",
		"invalid argument", "accepts ", "requires at least", "required flag", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

// Hint says what to do about an error, or nothing.
func Hint(err error) string {
	var src *source.Error
	var refused *api.Problem
	switch {
	case errors.As(err, &src) && src.Hint != "":
		return src.Hint
	case errors.As(err, &refused) && refused.RequestID != "":
		return "the server's log has more under request " + refused.RequestID
	case errors.Is(err, catalog.ErrCorrupt):
		return "nothing sealed is lost: run rainlogs archive rebuild-catalog"
	case errors.Is(err, catalog.ErrBusy):
		return "wait for the other process, or stop it"
	case errors.Is(err, chain.ErrDamaged):
		return "run rainlogs verify to see what differs; collecting into this chain has stopped"
	case errors.Is(err, chain.ErrContended), errors.Is(err, chain.ErrMoved):
		return "an archive has one collector: stop the other one"
	case errors.Is(err, storage.ErrFull):
		return "free space in the archive's store; the windows stay open and are collected by the next run"
	case errors.Is(err, storage.ErrPermission):
		return "the archive's store refuses to be written: look at its owner, mode and mount options"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room there, or choose a place on another disk; what was there before is as it was"
	case errors.Is(err, evidence.ErrNewer):
		return "upgrade rainlogs"
	}
	return ""
}
