package duckdb_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

func request(d *dataset.Dataset, sql string) query.Request {
	return query.Request{SQL: sql, Dataset: d}
}

// counted are questions and the computation of their answers by hand.
var counted = map[string]struct {
	sql   string
	count func([]corpusRecord) [][]any
}{
	"count": {"SELECT count(*) FROM logs", func(rs []corpusRecord) [][]any { return [][]any{{int64(len(rs))}} }},
	"status": {"SELECT EdgeResponseStatus, count(*) FROM logs GROUP BY 1 ORDER BY 1", func(rs []corpusRecord) [][]any {
		return histogram(rs, func(r corpusRecord) any { return int64(r["EdgeResponseStatus"].(int)) })
	}},
	"clients": {"SELECT ClientIP, count(*) FROM logs GROUP BY 1 ORDER BY 1", func(rs []corpusRecord) [][]any {
		return histogram(rs, func(r corpusRecord) any { return r["ClientIP"] })
	}},
	"bytes": {"SELECT CAST(sum(EdgeResponseBytes) AS VARCHAR) FROM logs", func(rs []corpusRecord) [][]any {
		sum := new(big.Int)
		for _, r := range rs {
			sum.Add(sum, big.NewInt(r["EdgeResponseBytes"].(int64)))
		}
		return [][]any{{sum.String()}}
	}},
	"first_and_last": {"SELECT min(EdgeStartTimestamp), max(EdgeStartTimestamp) FROM logs", func(rs []corpusRecord) [][]any {
		first, last := rs[0]["EdgeStartTimestamp"].(int64), int64(0)
		for _, r := range rs {
			first, last = min(first, r["EdgeStartTimestamp"].(int64)), max(last, r["EdgeStartTimestamp"].(int64))
		}
		return [][]any{{time.Unix(0, first).UTC(), time.Unix(0, last).UTC()}}
	}},
	"absent": {"SELECT count(*) FROM logs WHERE ClientCountry IS NULL", func(rs []corpusRecord) [][]any {
		return number(rs, func(r corpusRecord) bool { return r["ClientCountry"] == nil })
	}},
	"in_prefix": {"SELECT count(*) FROM logs WHERE ip_in(ClientIP, '10.0.0.0/21') OR ip_in(ClientIP, '2001:db8::/32')", func(rs []corpusRecord) [][]any {
		v4, v6 := netip.MustParsePrefix("10.0.0.0/21"), netip.MustParsePrefix("2001:db8::/32")
		return number(rs, func(r corpusRecord) bool {
			a := netip.MustParseAddr(r["ClientIP"].(string))
			return v4.Contains(a) || v6.Contains(a)
		})
	}},
	"longest": {"SELECT max(length(ClientRequestURI)) FROM logs", func(rs []corpusRecord) [][]any {
		longest := 0
		for _, r := range rs {
			longest = max(longest, len([]rune(r["ClientRequestURI"].(string))))
		}
		return [][]any{{int64(longest)}}
	}},
	"sessions": {"SELECT json_extract_string(Cookies, '$.session'), count(*) FROM logs WHERE Cookies->>'session' IS NOT NULL GROUP BY 1 ORDER BY 1", func(rs []corpusRecord) [][]any {
		with := slices.DeleteFunc(slices.Clone(rs), func(r corpusRecord) bool {
			c, _ := r["Cookies"].(map[string]any)
			return c["session"] == nil
		})
		return histogram(with, func(r corpusRecord) any { return r["Cookies"].(map[string]any)["session"] })
	}},
	"tags": {"SELECT count(*) FROM logs WHERE list_contains(BotTags, 'api')", func(rs []corpusRecord) [][]any {
		return number(rs, func(r corpusRecord) bool {
			tags, _ := r["BotTags"].([]any)
			return slices.Contains(tags, any("api"))
		})
	}},
	"injections": {"SELECT count(*) FROM logs WHERE regexp_matches(lower(ClientRequestURI), 'union')", func(rs []corpusRecord) [][]any {
		return number(rs, func(r corpusRecord) bool {
			return strings.Contains(strings.ToLower(r["ClientRequestURI"].(string)), "union")
		})
	}},
	"slowest": {"SELECT RayID FROM logs ORDER BY epoch_ns(EdgeEndTimestamp) - epoch_ns(EdgeStartTimestamp) DESC, RayID LIMIT 3", func(rs []corpusRecord) [][]any {
		took := func(r corpusRecord) int64 { return r["EdgeEndTimestamp"].(int64) - r["EdgeStartTimestamp"].(int64) }
		sorted := slices.SortedFunc(slices.Values(rs), func(a, b corpusRecord) int {
			return cmp.Or(cmp.Compare(took(b), took(a)), cmp.Compare(a["RayID"].(string), b["RayID"].(string)))
		})
		return [][]any{{sorted[0]["RayID"]}, {sorted[1]["RayID"]}, {sorted[2]["RayID"]}}
	}},
	"unlisted": {"SELECT count(*) FROM logs WHERE SomethingNew = '7'", func(rs []corpusRecord) [][]any {
		return number(rs, func(r corpusRecord) bool {
			b, _ := json.Marshal(r["SomethingNew"]) // of what JSON has
			return string(b) == "7"
		})
	}},
}

func number(rs []corpusRecord, is func(corpusRecord) bool) [][]any {
	n := int64(0)
	for _, r := range rs {
		if is(r) {
			n++
		}
	}
	return [][]any{{n}}
}

// histogram counts records by a value, in the order of the values.
func histogram(rs []corpusRecord, of func(corpusRecord) any) [][]any {
	counts := map[any]int64{}
	for _, r := range rs {
		counts[of(r)]++
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b any) int {
		if n, ok := a.(int64); ok {
			return cmp.Compare(n, b.(int64))
		}
		return strings.Compare(a.(string), b.(string))
	})
	var rows [][]any
	for _, k := range keys {
		rows = append(rows, []any{k, counts[k]})
	}
	return rows
}
