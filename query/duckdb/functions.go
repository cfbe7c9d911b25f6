package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/medama-io/go-useragent"
)

// macros are the shorthands of an analyst that SQL can say itself.
var macros = append([]string{
	// '2xx', NULL for what is no status.
	`status_class(status) AS CASE WHEN status BETWEEN 100 AND 599 THEN (CAST(status AS INTEGER) // 100) || 'xx' END`,
	// '1.5 MiB'.
	`bytes_h(n) AS format_bytes(CAST(n AS BIGINT))`,
}, starts("minute", time.Minute), starts("hour", time.Hour), starts("day", 24*time.Hour))

// starts is the macro by_PART(t), the start of the minute, hour or day of a time, as date_trunc
// says it, in a fifth less of a whole question's work: date_trunc computes a calendar's date
// for each row. Before 1970 a remainder would round up; in 1677, where the type begins, a start may be none: NULL.
func starts(part string, span time.Duration) string {
	return fmt.Sprintf(`by_%[1]s(t) AS CASE
		WHEN epoch_ns(CAST(t AS TIMESTAMP_NS)) >= 0 THEN make_timestamp_ns(epoch_ns(CAST(t AS TIMESTAMP_NS)) - epoch_ns(CAST(t AS TIMESTAMP_NS)) %% %[2]d)
		ELSE TRY(CAST(date_trunc('%[1]s', CAST(t AS TIMESTAMP_NS)) AS TIMESTAMP_NS)) END`, part, span.Nanoseconds())
}

// function is a scalar function of texts that SQL cannot say well: NULL
// for a NULL argument.
type function struct {
	name   string
	args   []duck.Type
	result duck.Type
	call   func(args []driver.Value) (any, error)
}

// functions compute with addresses, whose type would need an extension to be
// downloaded, and with user agents. Text that is no address has a NULL result: logs
// are from outside. A prefix that is none is the analyst's mistake, and an error.
var functions = []function{
	{"ip_in", []duck.Type{duck.TYPE_VARCHAR, duck.TYPE_VARCHAR}, duck.TYPE_BOOLEAN, ipIn},
	{"ip_prefix", []duck.Type{duck.TYPE_VARCHAR, duck.TYPE_BIGINT}, duck.TYPE_VARCHAR, ipPrefix},
	{"ip_hex", []duck.Type{duck.TYPE_VARCHAR}, duck.TYPE_VARCHAR, ipHex},
	{"ip_family", []duck.Type{duck.TYPE_VARCHAR}, duck.TYPE_INTEGER, ipFamily},
	{"ua_family", []duck.Type{duck.TYPE_VARCHAR}, duck.TYPE_VARCHAR, uaFamily},
}

// define makes the macros and functions of a session.
func (s *session) define(ctx context.Context) error {
	for _, m := range macros {
		if _, err := s.conn.ExecContext(ctx, "CREATE MACRO "+m); err != nil {
			return fmt.Errorf("make macro %.40s: %w", m, err)
		}
	}
	for _, f := range functions {
		if err := register(s.conn, f); err != nil {
			return fmt.Errorf("register function %s: %w", f.name, err)
		}
	}
	return nil
}

func register(conn *sql.Conn, f function) error {
	c := duck.ScalarFuncConfig{}
	for _, arg := range f.args {
		info, err := duck.NewTypeInfo(arg)
		if err != nil {
			return err
		}
		c.InputTypeInfos = append(c.InputTypeInfos, info)
	}
	var err error
	if c.ResultTypeInfo, err = duck.NewTypeInfo(f.result); err != nil {
		return err
	}
	return duck.RegisterScalarUDF(conn, f.name, &scalar{c, f.call})
}

// scalar is a function as the driver takes it.
type scalar struct {
	config duck.ScalarFuncConfig
	call   func([]driver.Value) (any, error)
}

func (s *scalar) Config() duck.ScalarFuncConfig { return s.config }
func (s *scalar) Executor() duck.ScalarFuncExecutor {
	return duck.ScalarFuncExecutor{RowExecutor: s.call}
}

// address reads an address as it is compared: an IPv4 address that is written
// as an IPv6 one is IPv4, and a zone (fe80::1%eth0) is not part of it.
func address(v driver.Value) (netip.Addr, bool) {
	text, _ := v.(string)
	a, err := netip.ParseAddr(text)
	return a.WithZone("").Unmap(), err == nil
}

// ipIn: ip_in(ip, cidr). A prefix without a length is one address.
func ipIn(args []driver.Value) (any, error) {
	text, _ := args[1].(string)
	prefix, err := netip.ParsePrefix(text)
	if one, ok := address(args[1]); err != nil && ok {
		prefix, err = netip.PrefixFrom(one, one.BitLen()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("ip_in: %.60q is not a prefix such as 192.0.2.0/24 or 2001:db8::/32", text)
	}
	a, ok := address(args[0])
	if !ok {
		return nil, nil
	}
	return prefix.Contains(a), nil
}

// ipPrefix: ip_prefix(ip, bits) is the network of an address, for grouping.
func ipPrefix(args []driver.Value) (any, error) {
	a, ok := address(args[0])
	bits, _ := args[1].(int64)
	if bits < 0 || bits > 128 {
		return nil, fmt.Errorf("ip_prefix: %d bits are outside 0 to 128", bits)
	}
	if !ok {
		return nil, nil
	}
	p, err := a.Prefix(min(int(bits), a.BitLen()))
	if err != nil {
		return nil, fmt.Errorf("ip_prefix: %w", err)
	}
	return p.String(), nil
}

// ipHex: ip_hex(ip) is the address as 32 hex digits, which sort as addresses do, IPv4 as ::ffff:0:0/96.
func ipHex(args []driver.Value) (any, error) {
	a, ok := address(args[0])
	if !ok {
		return nil, nil
	}
	b := a.As16()
	return hex.EncodeToString(b[:]), nil
}

// ipFamily: ip_family(ip) is 4 or 6.
func ipFamily(args []driver.Value) (any, error) {
	switch a, ok := address(args[0]); {
	case !ok:
		return nil, nil
	case a.Is4():
		return int32(4), nil
	}
	return int32(6), nil
}

var agents = sync.OnceValue(useragent.NewParser)

// maxAgent bounds the user agent that is looked into, in bytes.
const maxAgent = 1 << 10

// uaFamily: ua_family(user_agent) is the browser, or else the product that the text
// begins with: 'curl', 'sqlmap'. A bot that calls itself Mozilla is what it says after "compatible;".
func uaFamily(args []driver.Value) (any, error) {
	text, _ := args[0].(string)
	text = text[:min(len(text), maxAgent)]
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	ua := agents().Parse(text)
	if b := string(ua.Browser()); b != "" && !ua.IsBot() {
		return b, nil
	}
	if _, after, ok := strings.Cut(text, "compatible; "); ok {
		text = after
	}
	family, _, _ := strings.Cut(text, "/")
	if i := strings.IndexAny(family, ";()"); i >= 0 {
		family = family[:i]
	}
	if family = strings.TrimSpace(family); family == "" {
		return nil, nil
	}
	return strings.ToValidUTF8(family, "\uFFFD"), nil
}
