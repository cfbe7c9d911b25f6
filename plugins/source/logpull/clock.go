package logpull

import (
	"fmt"
	"net/http"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// clockOff is the difference from which on a clock is told of. Windows end a
// minute ago at the latest, and are sealed with this machine's time.
const clockOff = 5 * time.Second

// clock bounds how far this machine's clock is ahead of the service's, by the
// Date of answers that came anyway. Each tells a whole second, in which the
// answer began: some time between the question and now. The bounds of all
// answers hold at once.
type clock struct {
	least, most time.Duration
	heard       bool
}

// hear takes an answer's header.
func (c *clock) hear(h http.Header, asked, now time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if age := h.Get("Age"); err != nil || age != "" && age != "0" { // a cache's answer is dated when it was made
		return
	}
	least, most := asked.Sub(date)-time.Second, now.Sub(date)
	if c.heard {
		least, most = max(least, c.least), min(most, c.most)
	}
	c.least, c.most, c.heard = least, most, true
}

// ahead is the least difference that explains the answers, negative if this
// machine's clock is behind.
func (c *clock) ahead() time.Duration {
	switch {
	case c.least > 0:
		return c.least.Round(time.Second)
	case c.most < 0:
		return c.most.Round(time.Second)
	}
	return 0
}

// check warns and never fails, which would end the zone's collection: a clock
// that is ahead asks for windows that the service refuses as too recent, one
// that is behind asks later.
func (c *clock) check() source.Check {
	if !c.heard {
		return source.Check{Name: "clock", Status: source.Unknown, Detail: "no answer was dated", Remedy: "compare this machine's clock by other means"}
	}
	ahead := c.ahead()
	k := source.Check{Name: "clock", Status: source.OK, Value: ahead.String(), Detail: "this machine's clock is that of the service"}
	if ahead.Abs() < clockOff {
		return k
	}
	k.Status, k.Remedy = source.Warn, "let a time service (chrony, systemd-timesyncd) keep this machine's clock"
	k.Detail = fmt.Sprintf("this machine's clock is %s ahead of the service's", ahead)
	if ahead < 0 {
		k.Detail = fmt.Sprintf("this machine's clock is %s behind the service's", -ahead)
	}
	return k
}
