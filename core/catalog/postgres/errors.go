package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// translate turns PostgreSQL's codes and the network's errors into the port's
// errors, and leaves every other error alone. An ended context goes before both.
func translate(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		if errors.Is(err, ctx.Err()) {
			return err
		}
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, pgx.ErrNoRows):
		return catalog.ErrNotFound
	case errors.Is(err, catalog.ErrUnavailable), errors.Is(err, catalog.ErrCorrupt):
		return err
	}
	var said *pgconn.PgError
	if errors.As(err, &said) {
		if class := class(said.Code); class != nil {
			return fmt.Errorf("%w: %w", class, err)
		}
		return err
	}
	if unreachable(err) {
		return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	return err
}

// class is what a code says (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func class(code string) error {
	switch {
	case strings.HasPrefix(code, "08"), // connection exceptions
		strings.HasPrefix(code, "57P"), // shut down by an operator, crashed, starting, idle too long
		code == "53300",                // too many connections
		code == "25006":                // a standby, until the name leads to the new primary
		return catalog.ErrUnavailable
	case code == "53100":
		return fmt.Errorf("disk is full: %w", syscall.ENOSPC)
	case code == "42P01", code == "42703", // tables or columns that the schema's version promises are not there
		strings.HasPrefix(code, "XX00") && code != "XX000":
		return catalog.ErrCorrupt
	}
	return nil
}

// unreachable reports whether the connection failed, and not what it was for.
func unreachable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
