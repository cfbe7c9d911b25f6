package duckdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	d, e := small(t), openEngine(t, duckdb.Config{})
	for sql, want := range map[string]any{
		"ip_in('192.0.2.77', '192.0.2.0/24')":                 true,
		"ip_in('192.0.3.1', '192.0.2.0/24')":                  false,
		"ip_in('::ffff:192.0.2.77', '192.0.2.0/24')":          true,
		"ip_in('2001:db8::1', '2001:db8::/32')":               true,
		"ip_in('2001:db8::1', '0.0.0.0/0')":                   false,
		"ip_in('192.0.2.1', '192.0.2.1')":                     true,
		"ip_in('192.0.2.0', '192.0.2.1')":                     false,
		"ip_in('fe80::1%eth0', 'fe80::/10')":                  true,
		"ip_in('nonsense', '192.0.2.0/24')":                   nil,
		"ip_in(NULL, '192.0.2.0/24')":                         nil,
		"ip_prefix('192.0.2.77', 24)":                         "192.0.2.0/24",
		"ip_prefix('192.0.2.77', 64)":                         "192.0.2.77/32",
		"ip_prefix('2001:db8:1:2::9', 48)":                    "2001:db8:1::/48",
		"ip_prefix('x', 24)":                                  nil,
		"ip_hex('192.0.2.1')":                                 "00000000000000000000ffffc0000201",
		"ip_hex('9.0.0.1') < ip_hex('10.0.0.1')":              true,
		"ip_hex('2001:db8::')":                                "20010db8000000000000000000000000",
		"ip_family('192.0.2.1') + ip_family('2001:db8::1')":   int64(10),
		"status_class(404)":                                   "4xx",
		"status_class(0)":                                     nil,
		"status_class(NULL)":                                  nil,
		"bytes_h(1572864)":                                    "1.5 MiB",
		"ua_family('curl/8.4.0')":                             "curl",
		"ua_family('sqlmap/1.7#stable (https://sqlmap.org)')": "sqlmap",
		"ua_family('Mozilla/5.0 (compatible; Googlebot/2.1; +http://example.com/)')":          "Googlebot",
		"ua_family('Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0')": "Firefox",
		"ua_family('  ')":                        nil,
		"ua_family(chr(27) || '[31m')":           "\x1b[31m",
		"ua_family(repeat('x', 100000)) IS NULL": false,
		"ua_family(repeat('é', 100000)) IS NULL": false,
		"by_minute('2026-01-01 12:34:56.123456789') = TIMESTAMP '2026-01-01 12:34:00'": true,
		"by_day(DATE '2026-01-01')": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		"by_hour(NULL)":             nil,
		"by_hour(TIMESTAMP_NS '1677-09-21 00:12:43.145225')":                                                             nil, // an hour that began before the type's first moment
		"time_bucket(INTERVAL '1 hour', TIMESTAMP_NS '2026-01-01 12:34:56.123456789') = TIMESTAMP '2026-01-01 12:00:00'": true,
	} {
		got, _ := ask(t, e, d, "SELECT "+sql)
		if diff := cmp.Diff([][]any{{want}}, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", sql, diff)
		}
	}
	for _, sql := range []string{"ip_in('192.0.2.1', '192.0.2.0/99')", "ip_in(ClientIP, 'office')", "ip_prefix(ClientIP, 129)"} {
		res, err := e.Query(context.Background(), query.Request{SQL: "SELECT " + sql + " FROM logs", Dataset: d})
		if err == nil {
			err = drain(res)
		}
		if !errors.Is(err, query.ErrSQL) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestStarts holds by_minute, by_hour and by_day against date_trunc, for times on both sides of 1970.
func TestStarts(t *testing.T) {
	t.Parallel()
	d, e := small(t), openEngine(t, duckdb.Config{})
	got, _ := ask(t, e, d, `
		SELECT count(*), bool_and(by_minute(t) = date_trunc('minute', t)), bool_and(by_hour(t) = date_trunc('hour', t)),
		       bool_and(by_day(t) = date_trunc('day', t)), any_value(typeof(by_hour(t)))
		FROM (SELECT make_timestamp_ns((i - 5000) * 1800000000001 + 59) AS t FROM range(10000) r(i))`)
	if diff := cmp.Diff([][]any{{int64(10000), true, true, true, "TIMESTAMP_NS"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
