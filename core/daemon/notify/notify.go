// Package notify tells systemd how a daemon stands (sd_notify(3)): ready,
// reloading, stopping, alive, and a line for systemctl status.
//
// Without systemd, that is without NOTIFY_SOCKET, everything here does
// nothing and succeeds. The watchdog is fed only while the daemon's loop
// turns: a daemon that hangs is ended and started again by systemd.
package notify

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/daemon"
)

// maxStatus bounds a status line, in bytes.
const maxStatus = 500

// Ready says that the daemon has started, or has finished reloading.
func Ready(status string) error { return send(daemon.SdNotifyReady + statusLine(status)) }

// Stopping says that the daemon ends.
func Stopping(status string) error { return send(daemon.SdNotifyStopping + statusLine(status)) }

// Reloading says that the daemon reads its config again. Type=notify-reload
// wants the time with it; Ready ends it.
func Reloading() error {
	return send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Status sets the line that systemctl status shows.
func Status(text string) error { return send(strings.TrimPrefix(statusLine(text), "\n")) }

// Watch feeds the watchdog, twice in each of its periods, as long as alive
// says that the daemon's loop turns. It returns nil when ctx ends, and at once
// where no watchdog waits for this process; an error is one of telling systemd.
func Watch(ctx context.Context, alive func() bool) error {
	period, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("find out about the watchdog: %w", err)
	}
	if period <= 0 {
		return nil
	}
	ticker := time.NewTicker(max(period/2, time.Millisecond))
	defer ticker.Stop()
	for {
		if alive() {
			if err := send(daemon.SdNotifyWatchdog); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func send(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}

// statusLine is text as a field: a line break in it would begin another field.
func statusLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxStatus {
		text = strings.ToValidUTF8(text[:maxStatus], "")
	}
	return "\nSTATUS=" + text
}
