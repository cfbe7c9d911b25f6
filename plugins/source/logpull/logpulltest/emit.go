package logpulltest

import (
	"maps"
	"strconv"
)

// emitter appends one member's value.
type emitter func(b []byte, r *record) []byte

// column is a member to be written: its key with the punctuation before it,
// and its value. A member that only FromLines knows has no emitter here.
type column struct {
	key   []byte
	value emitter
}

// compile looks up the asked members once for many records. Unknown names are
// left out: the emulator has refused them before.
func compile(p Projection) []column {
	cols := make([]column, 0, len(p.Fields))
	for _, name := range p.Fields {
		value, ok := emitters[name]
		if !ok {
			continue
		}
		key := append(appendString([]byte{','}, name), ':')
		if len(cols) == 0 {
			key[0] = '{'
		}
		if form := p.Timestamps; name == "EdgeStartTimestamp" {
			value = func(b []byte, r *record) []byte { return form.appendTime(b, r.start) }
		} else if name == "EdgeEndTimestamp" {
			value = func(b []byte, r *record) []byte { return form.appendTime(b, r.end) }
		}
		cols = append(cols, column{key, value})
	}
	return cols
}

func appendRecord(b []byte, r *record, cols []column) []byte {
	if len(cols) == 0 {
		return append(b, '{', '}')
	}
	for i := range cols {
		b = append(b, cols[i].key...)
		b = cols[i].value(b, r)
	}
	return append(b, '}')
}

// The constructors of emitters by JSON type. raw values are JSON already.
func text(f func(*record) string) emitter {
	return func(b []byte, r *record) []byte { return appendString(b, f(r)) }
}

func number(f func(*record) int) emitter {
	return func(b []byte, r *record) []byte { return strconv.AppendInt(b, int64(f(r)), 10) }
}

func truth(f func(*record) bool) emitter {
	return func(b []byte, r *record) []byte { return strconv.AppendBool(b, f(r)) }
}

func raw(f func(*record) string) emitter {
	return func(b []byte, r *record) []byte { return append(b, f(r)...) }
}

func always(s string) emitter {
	return func(b []byte, _ *record) []byte { return append(b, s...) }
}

// some gives one value in a condition and another otherwise.
func some[T any](cond bool, yes, no T) T {
	if cond {
		return yes
	}
	return no
}

// part reads a number in [0, n) out of the record's spare randomness.
func (r *record) part(shift, n int) int { return int(r.bits >> shift & 0xffff * uint64(n) >> 16) }

func (r *record) chat() bool   { return r.kind == kindChat }
func (r *record) upload() bool { return r.kind == kindUpload }
func (r *record) tls() bool    { return r.c.who.tls != "none" }
func (r *record) worker() bool { return r.subCount > 0 || r.kind == kindSub }

func (r *record) score() int {
	if who := r.c.who; who.score > 10 {
		return max(1, min(99, who.score-8+r.part(0, 14)))
	}
	return r.c.who.score
}

// emitters joins the parts of the table into one, by member name.
var emitters = func() map[string]emitter {
	all := make(map[string]emitter, 128)
	for _, part := range []map[string]emitter{aiEmitters, botEmitters, cacheEmitters, clientEmitters, edgeEmitters, originEmitters, securityEmitters, workerEmitters} {
		maps.Copy(all, part)
	}
	return all
}()

var (
	aiScore = number(func(r *record) int { return some(r.chat(), 40+r.part(0, 60), 0) })
	aiPII   = raw(func(r *record) string {
		return some(r.chat() && r.part(16, 6) == 0, `["EMAIL_ADDRESS","PHONE_NUMBER"]`, `[]`)
	})
	aiTokens = number(func(r *record) int { return some(r.chat(), 20+r.part(32, 900), 0) })
	aiUnsafe = raw(func(r *record) string { return some(r.chat() && r.part(48, 40) == 0, `["S2"]`, `[]`) })
)

var aiEmitters = map[string]emitter{
	"AISecurityCustomTopicCategories": raw(func(r *record) string { return some(r.chat(), `{"billing":12,"returns":71}`, `{}`) }),
	"AISecurityInjectionScore":        aiScore, "FirewallForAIInjectionScore": aiScore,
	"AISecurityPIICategories": aiPII, "FirewallForAIPIICategories": aiPII,
	"AISecurityTokenCount": aiTokens, "FirewallForAITokenCount": aiTokens,
	"AISecurityUnsafeTopicCategories": aiUnsafe, "FirewallForAIUnsafeTopicCategories": aiUnsafe,
	"PayPerCrawlStatus": always(`""`),
	"FraudAttack":       text(func(r *record) string { return some(r.phase == PhaseStuffing, "account_takeover", "") }),
	"FraudDetectionIDs": raw(func(r *record) string { return some(r.phase == PhaseStuffing, `[201330001]`, `[]`) }),
	"FraudDetectionTags": raw(func(r *record) string {
		return some(r.phase == PhaseStuffing, `["credential_stuffing"]`, `[]`)
	}),
	"FraudEmailRisk": text(func(r *record) string { return some(r.kind == kindLogin, some(r.phase == NoPhase, "low", "high"), "") }),
	"FraudUserID": func(b []byte, r *record) []byte {
		if r.kind != kindLogin {
			return append(b, `""`...)
		}
		return append(appendHex64(append(b, '"'), mix(uint64(r.part(0, 9000)))), '"')
	},
	"LeakedCredentialCheckResult": text(func(r *record) string { return r.leaked }),
}

var botEmitters = map[string]emitter{
	"BotDetectionIDs": raw(func(r *record) string {
		switch {
		case r.phase == PhaseScan:
			return `[50331651,33554817]`
		case r.c.who.tag == "tool":
			return `[33554817]`
		}
		return `[]`
	}),
	"BotDetectionTags": raw(func(r *record) string { return some(r.c.who.tag == "tool", `["http_client"]`, `[]`) }),
	"BotScore":         number((*record).score),
	"BotScoreSrc":      text(func(r *record) string { return r.c.who.source }),
	"BotTags": func(b []byte, r *record) []byte {
		if r.c.who.tag == "" {
			return append(b, `[]`...)
		}
		return append(appendString(append(b, '['), r.c.who.tag), ']')
	},
	"JA3Hash": text(func(r *record) string { return r.c.who.ja3 }),
	"JA4":     text(func(r *record) string { return r.c.who.ja4 }),
	"JA4Signals": func(b []byte, r *record) []byte {
		if r.c.who.ja4 == "" {
			return append(b, `{}`...)
		}
		b = append(b, `{"h2h3_ratio_1h":0.`...)
		b = strconv.AppendInt(b, int64(100+r.part(0, 900)), 10)
		b = append(b, `,"heuristic_ratio_1h":0.0`...)
		b = strconv.AppendInt(b, int64(10+r.part(16, 90)), 10)
		b = append(b, `,"reqs_quantile_1h":0.9`...)
		b = strconv.AppendInt(b, int64(100+r.part(32, 900)), 10)
		return append(b, '}')
	},
	"JSDetectionPassed": text(func(r *record) string {
		return some(r.score() >= 30 && r.kind != kindAsset, "passed", "missing")
	}),
	"VerifiedBotCategory": text(func(r *record) string { return r.c.who.verified }),
}

var cacheEmitters = map[string]emitter{
	"CacheCacheStatus":    text(func(r *record) string { return r.cache }),
	"CacheLockWaitedMs":   number(func(r *record) int { return some(r.cache == "miss", r.part(0, 9), 0) }),
	"CacheReserveUsed":    truth(func(r *record) bool { return r.cache == "hit" && r.part(16, 30) == 0 }),
	"CacheResponseBytes":  number(func(r *record) int { return r.body + r.head - r.part(32, 90) }),
	"CacheResponseStatus": number(func(r *record) int { return r.status }),
	"CacheTieredFill":     truth(func(r *record) bool { return r.cache == "miss" && r.part(0, 3) > 0 }),
	"UpperTierColoID":     number(func(r *record) int { return some(r.cache == "miss", 29, 0) }),
	"SmartRouteColoID":    number(func(r *record) int { return some(r.origin > 0 && r.part(48, 5) == 0, 33, 0) }),
}

var workerEmitters = map[string]emitter{
	"ParentRayID": func(b []byte, r *record) []byte {
		if r.parent == 0 {
			return append(b, `"00"`...)
		}
		return append(appendHex64(append(b, '"'), r.parent), '"')
	},
	"RayID":                 func(b []byte, r *record) []byte { return append(appendHex64(append(b, '"'), r.ray), '"') },
	"Subrequests":           always(`[]`), // filled by an opt-in Logpush setting only
	"WorkerCPUTime":         number(func(r *record) int { return some(r.subCount > 0, 600+r.part(0, 5000), 0) }),
	"WorkerScriptName":      text(func(r *record) string { return some(r.worker(), "edge-api", "") }),
	"WorkerStatus":          text(func(r *record) string { return some(r.subCount > 0, "ok", "unknown") }),
	"WorkerSubrequest":      truth(func(r *record) bool { return r.kind == kindSub }),
	"WorkerSubrequestCount": number(func(r *record) int { return r.subCount }),
	"WorkerWallTimeUs":      number(func(r *record) int { return some(r.subCount > 0, 4000+r.part(16, 60000), 0) }),
}
