package logpulltest

import (
	"strconv"
	"time"
)

var clientEmitters = map[string]emitter{
	"ClientASN":         number(func(r *record) int { return r.c.net.asn }),
	"ClientCity":        text(func(r *record) string { return r.c.net.city }),
	"ClientCountry":     text(func(r *record) string { return r.c.net.country }),
	"ClientDeviceType":  text(func(r *record) string { return r.c.who.device }),
	"ClientIP":          text(func(r *record) string { return r.c.ip }),
	"ClientIPClass":     text(ipClass),
	"ClientLatitude":    text(func(r *record) string { return r.c.net.lat }),
	"ClientLongitude":   text(func(r *record) string { return r.c.net.lon }),
	"ClientRegionCode":  text(func(r *record) string { return r.c.net.region }),
	"ClientRequestHost": text(func(r *record) string { return r.host }),

	"ClientMTLSAuthCertFingerprint": always(`""`),
	"ClientMTLSAuthStatus":          text(func(r *record) string { return some(r.part(0, 4) == 0, "absent", "unknown") }),

	"ClientRequestBytes":     number(func(r *record) int { return r.reqBytes }),
	"ClientRequestMethod":    text(func(r *record) string { return r.method }),
	"ClientRequestPath":      func(b []byte, r *record) []byte { return appendString(b, r.path) },
	"ClientRequestProtocol":  text(func(r *record) string { return r.c.who.proto }),
	"ClientRequestReferer":   text(func(r *record) string { return r.referer }),
	"ClientRequestScheme":    text(func(r *record) string { return some(r.tls(), "https", "http") }),
	"ClientRequestSource":    text(func(r *record) string { return some(r.kind == kindSub, "edgeWorkerFetch", "eyeball") }),
	"ClientRequestURI":       func(b []byte, r *record) []byte { return appendString(b, r.uri) },
	"ClientRequestUserAgent": text(func(r *record) string { return r.c.who.ua }),

	"ClientSSLCipher":           text(func(r *record) string { return r.c.who.cipher }),
	"ClientSSLProtocol":         text(func(r *record) string { return r.c.who.tls }),
	"ClientSrcPort":             number(func(r *record) int { return r.port & 0xffff }),
	"ClientTCPRTTMs":            number(func(r *record) int { return r.c.net.rtt + r.part(16, 9) }),
	"ClientTLSKeyExchangeGroup": text(func(r *record) string { return r.c.who.group }),
	"ClientXRequestedWith":      text(func(r *record) string { return some(r.kind == kindLogin, "XMLHttpRequest", "") }),

	"ContentScanObjResults": raw(func(r *record) string { return some(r.upload(), `["clean"]`, `[]`) }),
	"ContentScanObjSizes": func(b []byte, r *record) []byte {
		if !r.upload() {
			return append(b, `[]`...)
		}
		return append(strconv.AppendInt(append(b, '['), int64(r.reqBytes), 10), ']')
	},
	"ContentScanObjTypes": raw(func(r *record) string { return some(r.upload(), `["application/pdf"]`, `[]`) }),
	// Custom fields are configured for no zone here, so these stay empty.
	"Cookies":         always(`{}`),
	"RequestHeaders":  always(`{}`),
	"ResponseHeaders": always(`{}`),
}

func ipClass(r *record) string {
	switch {
	case r.c.who.verified == "Search Engine Crawler":
		return "searchEngine"
	case r.phase == PhaseScan:
		return "scan"
	case r.phase != NoPhase:
		return "badHost"
	}
	return "noRecord"
}

var edgeEmitters = map[string]emitter{
	"EdgeCFConnectingO2O":   always("false"),
	"EdgeColoCode":          text(func(r *record) string { return r.c.net.colo }),
	"EdgeColoID":            number(func(r *record) int { return r.c.net.coloID }),
	"EdgeStartTimestamp":    always("0"), // compile puts the asked form here
	"EdgeEndTimestamp":      always("0"),
	"EdgePathingOp":         text(func(r *record) string { return some(r.blocked(), "ban", "wl") }),
	"EdgePathingSrc":        text(func(r *record) string { return some(r.blocked(), "filterBasedFirewall", "macro") }),
	"EdgePathingStatus":     text(func(r *record) string { return some(r.c.who.verified != "", "se", "nr") }),
	"EdgeRequestHost":       text(func(r *record) string { return some(r.origin > 0, r.host, "") }),
	"EdgeResponseBodyBytes": number(func(r *record) int { return r.body }),
	"EdgeResponseBytes":     number(func(r *record) int { return r.body + r.head }),
	"EdgeResponseCompressionRatio": func(b []byte, r *record) []byte {
		if r.ratio <= 100 {
			return append(b, '0')
		}
		b = strconv.AppendInt(b, int64(r.ratio/100), 10)
		return append(b, '.', '0'+byte(r.ratio/10%10), '0'+byte(r.ratio%10))
	},
	"EdgeResponseContentType": text(func(r *record) string { return some(r.body > 0, r.contentType, "") }),
	"EdgeResponseStatus":      number(func(r *record) int { return r.status }),
	"EdgeServerIP": func(b []byte, r *record) []byte {
		if r.origin == 0 {
			return append(b, `""`...)
		}
		b = strconv.AppendInt(append(b, `"172.68.`...), int64(r.c.net.coloID&0xff), 10)
		b = strconv.AppendInt(append(b, '.'), int64(1+r.part(0, 254)), 10)
		return append(b, '"')
	},
	"EdgeTimeToFirstByteMs": number(func(r *record) int { return r.firstByte }),
	"ZoneName":              text(func(r *record) string { return r.site.zone }),
}

func (r *record) blocked() bool { return r.rule != nil && r.rule.action != "log" }

// reused says that the edge had a connection to the origin at hand.
func (r *record) reused() bool { return r.origin == 0 || r.part(32, 10) > 0 }

var originEmitters = map[string]emitter{
	"OriginDNSResponseTimeMs":               number(func(r *record) int { return some(r.reused(), 0, 1+r.part(0, 20)) }),
	"OriginIP":                              text(func(r *record) string { return some(r.origin > 0, "192.0.2.80", "") }),
	"OriginRequestHeaderSendDurationMs":     always("0"),
	"OriginResponseBytes":                   number(func(r *record) int { return some(r.origin > 0, r.body+r.head/2, 0) }),
	"OriginResponseDurationMs":              number(func(r *record) int { return r.upstream }),
	"OriginResponseHTTPExpires":             httpDate(func(r *record) int64 { return r.start + int64(4*time.Hour) }),
	"OriginResponseHTTPLastModified":        httpDate(func(r *record) int64 { return r.start - int64(r.part(0, 60))*int64(24*time.Hour) }),
	"OriginResponseHeaderReceiveDurationMs": number(func(r *record) int { return max(0, r.upstream-r.part(16, 4)) }),
	"OriginResponseStatus":                  number(func(r *record) int { return r.origin }),
	"OriginResponseTime":                    number(func(r *record) int { return r.upstream*1_000_000 + some(r.upstream > 0, r.part(0, 999_999), 0) }),
	"OriginSSLProtocol":                     text(func(r *record) string { return some(r.origin > 0, "TLSv1.3", "unknown") }),
	"OriginTCPHandshakeDurationMs":          number(func(r *record) int { return some(r.reused(), 0, 4+r.part(16, 30)) }),
	"OriginTLSHandshakeDurationMs":          number(func(r *record) int { return some(r.reused(), 0, 9+r.part(48, 40)) }),
}

// httpDate writes the RFC 9110 date of a moment, for cacheable answers only.
func httpDate(f func(*record) int64) emitter {
	return func(b []byte, r *record) []byte {
		b = append(b, '"')
		if r.kind == kindAsset && r.origin > 0 {
			b = time.Unix(0, f(r)).UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
		}
		return append(b, '"')
	}
}

func (r *record) signature() bool { return r.phase == PhaseInjection }

// one wraps what a rule says into an array of one string, or an empty one.
func one(f func(*ruleHit) string) emitter {
	return func(b []byte, r *record) []byte {
		if r.rule == nil {
			return append(b, `[]`...)
		}
		return append(appendString(append(b, '['), f(r.rule)), ']')
	}
}

// ended gives what a rule says if it was the one that ended the request.
func ended(f func(*ruleHit) string) emitter {
	return text(func(r *record) string {
		if !r.blocked() {
			return ""
		}
		return f(r.rule)
	})
}

var securityEmitters = map[string]emitter{
	"MatchedRules": func(b []byte, r *record) []byte {
		if r.rule == nil {
			return append(b, `[]`...)
		}
		b = appendString(append(b, `[{"product":`...), r.rule.product)
		b = appendString(append(b, `,"rulesetId":`...), r.rule.ruleset)
		b = append(b, `,"rulesetVersion":"41","rules":[{"id":`...)
		return append(appendString(b, r.rule.id), `}]}]`...)
	},
	"SecurityAction":          ended(func(h *ruleHit) string { return h.action }),
	"SecurityRuleDescription": ended(func(h *ruleHit) string { return h.description }),
	"SecurityRuleID":          ended(func(h *ruleHit) string { return h.id }),
	"SecurityActions":         one(func(h *ruleHit) string { return h.action }),
	"SecurityRuleIDs":         one(func(h *ruleHit) string { return h.id }),
	"SecuritySources":         one(func(h *ruleHit) string { return h.source }),
	"WAFAttackScore":          number(func(r *record) int { return r.waf }),
	"WAFRCEAttackScore":       number(func(r *record) int { return r.rce }),
	"WAFSQLiAttackScore":      number(func(r *record) int { return r.sqli }),
	"WAFXSSAttackScore":       number(func(r *record) int { return r.xss }),
	"WAFFlags":                always(`"0"`),
	"WAFMatchedVar":           text(func(r *record) string { return some(r.signature(), "QUERY_STRING", "") }),
	"WAFRequestSignatureCategories": raw(func(r *record) string {
		return some(r.signature(), `["sqli"]`, `[]`)
	}),
	"WAFRequestSignatureRefs": raw(func(r *record) string {
		return some(r.signature(), `["sqli-union-select"]`, `[]`)
	}),
	"WebAssetsLabelsManaged": raw(func(r *record) string { return some(r.kind == kindLogin, `["cf-log-in"]`, `[]`) }),
	"WebAssetsOperationID": text(func(r *record) string {
		return some(r.kind == kindLogin, "0d1f4c5e-6a7b-4c8d-9e0f-112233445566", "")
	}),
}
