package logpulltest

import "strconv"

// kind is what sort of request a record describes.
type kind uint8

const (
	kindPage kind = iota
	kindAsset
	kindAPI
	kindSearch
	kindLogin
	kindChat
	kindUpload
	kindRobots
	kindProbe
	kindSub
	kindExport
)

// site holds a zone's names.
type site struct {
	zone, www, api, shop, static string
	home                         string // referer
}

func newSite(zone string) site {
	return site{
		zone: zone, www: "www." + zone, api: "api." + zone, shop: "shop." + zone, static: "static." + zone,
		home: "https://www." + zone + "/",
	}
}

// record is one request before it is written out. One is used again and again.
type record struct {
	site  *site
	slots []Phase

	phase                Phase
	received, start, end int64 // ns since the epoch
	ray, parent          uint64
	kind                 kind
	c                    *client
	port                 int
	host, method         string
	path, uri            []byte
	referer, contentType string
	cache                string
	status, origin       int // origin 0: not asked
	reqBytes, body, head int
	ratio                int // hundredths
	firstByte, upstream  int // ms
	waf, sqli, xss, rce  int
	rule                 *ruleHit
	leaked               string
	subCount             int
	bits                 uint64 // for the many small things
}

func (r *record) reset(phase Phase, received int64) {
	*r = record{site: r.site, slots: r.slots, path: r.path[:0], uri: r.uri[:0], phase: phase, received: received}
}

// ruleHit is a security rule that ended a request.
type ruleHit struct {
	action, source, id, description, product, ruleset string
}

var (
	hitProbe  = &ruleHit{"block", "firewallManaged", "8fd9ee3a4b0f4a6a9b1d2f3ecc0c7e11", "Anomaly: URL Path - Known scanner target", "firewallManaged", "efb7b8c949ac4650a09736fc376e9aee"}
	hitTool   = &ruleHit{"managed_challenge", "firewallCustom", "2c0fc9fa937b11eaa1b71c4d701ab86e", "Challenge tools that are no browser", "firewallCustom", "b3f1c2a4d5e64f7081920a1b2c3d4e5f"}
	hitLimit  = &ruleHit{"block", "rateLimit", "41f0a9d2c6e84b7d8e5a3b2c1d0e9f88", "Too many logins from one address", "rateLimit", "77454fe2d30c4220b5701f6fdfb893ba"}
	hitSQLi   = &ruleHit{"log", "firewallManaged", "a1c3e5f7091b2d3f4a5c6e7f80912a3b", `SQLi - UNION in query string (rule in "log" mode)`, "firewallManaged", "efb7b8c949ac4650a09736fc376e9aee"}
	assets    = []string{"/static/js/app.3f9a1c.js", "/static/js/vendor.9e01b7.js", "/static/css/main.77ab21.css", "/static/img/logo.svg", "/static/img/hero.webp", "/static/fonts/inter.woff2", "/favicon.ico", "/static/img/product-"}
	assetType = []string{"application/javascript", "application/javascript", "text/css", "image/svg+xml", "image/webp", "font/woff2", "image/x-icon", "image/webp"}
	pages     = []string{"/", "/pricing", "/about", "/contact", "/blog/how-we-moved-to-the-edge", "/blog/nis2-in-practice", "/docs/getting-started", "/legal/privacy"}
	endpoints = []string{"/api/v2/cart", "/api/v2/session", "/api/v2/products", "/api/v1/stock", "/api/v1/prices", "/graphql"}
	searches  = []string{"scarpe+rosse", "t%C3%BCrgriff+wei%C3%9F", "caf%C3%A9+%22bio%22", "4k+monitor", "o%27reilly", "%F0%9F%9A%B2", "%3Cb%3Egift%3C%2Fb%3E"}
	probes    = []string{"/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/xmlrpc.php", "/actuator/env", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php"}
	cached    = []string{"hit", "hit", "hit", "hit", "hit", "hit", "hit", "miss", "expired", "revalidated", "updating", "stale"}
)

// fill invents an ordinary request.
func (g *Generator) fill(r *record, rr *rng) {
	r.c = &g.clients[g.popular.draw(rr)]
	r.port = r.c.port + rr.below(64)
	r.kind = pickKind(r.c.who, rr)
	r.bits = rr.next()
	r.waf, r.sqli, r.xss, r.rce = rr.between(60, 99), rr.between(70, 99), rr.between(70, 99), rr.between(70, 99)
	r.method, r.status, r.cache = "GET", 200, "dynamic"
	r.host, r.contentType = r.site.www, "text/html; charset=UTF-8"
	r.head, r.ratio = rr.between(400, 1200), 100
	r.reqBytes = len(r.c.who.ua) + rr.between(350, 2400)
	switch r.kind {
	case kindAsset:
		fillAsset(r, rr)
	case kindAPI, kindChat:
		fillAPI(r, rr)
	case kindSearch, kindLogin, kindUpload:
		fillForm(r, rr)
	case kindRobots, kindProbe:
		fillProbe(r, rr)
	default:
		fillPage(r, rr)
	}
	finish(r, rr)
}

func pickKind(who *agent, rr *rng) kind {
	pick := rr.below(1000)
	switch {
	case who.verified != "":
		return [...]kind{kindPage, kindPage, kindPage, kindPage, kindSearch, kindAsset, kindRobots, kindPage}[pick%8]
	case who.tag == "tool":
		return [...]kind{kindAPI, kindAPI, kindProbe, kindPage}[pick%4]
	case pick < 530:
		return kindAsset
	case pick < 740:
		return kindPage
	case pick < 915:
		return kindAPI
	case pick < 960:
		return kindSearch
	case pick < 982:
		return kindLogin
	case pick < 993:
		return kindChat
	case pick < 997:
		return kindUpload
	default:
		return kindProbe
	}
}

func fillAsset(r *record, rr *rng) {
	i := rr.below(len(assets))
	r.host, r.contentType, r.referer = r.site.static, assetType[i], r.site.home
	r.path = append(r.path, assets[i]...)
	if i == len(assets)-1 {
		r.path = strconv.AppendInt(r.path, int64(rr.below(4000)), 10)
		r.path = append(r.path, ".webp"...)
	}
	r.cache = cached[rr.below(len(cached))]
	r.body = rr.between(800, 90_000)
	r.ratio = rr.between(100, 460)
	if rr.chance(9) {
		r.status, r.body = 304, 0
	}
}

func fillPage(r *record, rr *rng) {
	if rr.chance(2) {
		r.path = append(r.path, pages[rr.below(len(pages))]...)
	} else {
		r.host = r.site.shop
		u := rr.unit()
		r.path = append(r.path, "/products/"...)
		r.path = strconv.AppendInt(r.path, int64(u*u*u*9000), 10)
	}
	r.body, r.ratio = rr.between(4_000, 60_000), rr.between(240, 610)
	switch rr.below(40) {
	case 0:
		r.status, r.body = 404, 2_310
	case 1:
		r.status, r.body = 301, 0
	case 2:
		r.cache = "hit"
	case 3, 4:
		r.referer = "https://www.google.com/"
	case 5:
		r.referer = "https://news.example.org/a?t=\"caffè\"\t\\x"
	}
	if rr.chance(900) {
		r.status, r.body = 502, 1_100
	}
}

func fillAPI(r *record, rr *rng) {
	r.host, r.contentType, r.referer = r.site.api, "application/json", r.site.home
	path := endpoints[rr.below(len(endpoints))]
	if r.kind == kindChat {
		path, r.method = "/api/v2/assistant", "POST"
	} else if rr.chance(5) {
		r.method, r.status = "POST", 201
	}
	r.path = append(r.path, path...)
	r.body = rr.between(60, 9_000)
	if len(path) > 7 && path[:8] == "/api/v2/" {
		r.subCount = 1 + rr.below(2)
	}
	switch rr.below(60) {
	case 0:
		r.status = 500
	case 1, 2:
		r.status = 401
	case 3:
		r.status = 429
	}
}

func fillForm(r *record, rr *rng) {
	switch r.kind {
	case kindSearch:
		r.path = append(r.path, "/search"...)
		r.uri = append(append(append(r.uri, r.path...), "?q="...), searches[rr.below(len(searches))]...)
		r.body, r.ratio = rr.between(5_000, 40_000), rr.between(240, 500)
	case kindLogin:
		r.method, r.contentType = "POST", "application/json"
		r.path = append(r.path, "/login"...)
		r.body, r.leaked = rr.between(300, 900), "clean"
		if rr.chance(7) {
			r.status = 401
		}
	default:
		r.method, r.status, r.contentType = "POST", 201, "application/json"
		r.path = append(r.path, "/api/uploads"...)
		r.host, r.body = r.site.api, 180
		r.reqBytes += rr.between(20_000, 4_000_000)
	}
	r.referer = r.site.home
}

func fillProbe(r *record, rr *rng) {
	if r.kind == kindRobots {
		r.path = append(r.path, "/robots.txt"...)
		r.contentType, r.body, r.cache = "text/plain", 412, "hit"
		return
	}
	r.path = append(r.path, probes[rr.below(len(probes))]...)
	r.status, r.body = 404, 2_310
	r.waf, r.rce = rr.between(8, 40), rr.between(10, 45)
	if rr.chance(2) {
		r.status, r.rule = 403, hitProbe
	} else if rr.chance(3) {
		r.status, r.rule = 403, hitTool
	}
}

// finish sets what follows from the rest: who was asked, and when.
func finish(r *record, rr *rng) {
	if len(r.uri) == 0 {
		r.uri = append(r.uri, r.path...)
	}
	asked := r.rule == nil || r.rule.action == "log"
	if asked && r.cache != "hit" && r.cache != "stale" && r.cache != "updating" {
		r.origin = r.status
		r.upstream = rr.between(9, 60) + rr.below(40)*rr.below(8)
	}
	r.firstByte = r.c.net.rtt/2 + r.upstream + rr.below(12)
	took := int64(r.firstByte + r.body/40_000 + rr.below(6))
	// Logpull selects by receive time, mostly three to four minutes after the
	// request, rarely longer (developers.cloudflare.com/logs/faq/general-faq/).
	delay := int64(150_000 + rr.below(60_000) + rr.below(60_000))
	switch pick := rr.below(500); {
	case pick == 0:
		delay += int64(rr.below(420_000))
	case pick < 12:
		delay = int64(rr.between(60_000, 150_000))
	}
	const ms = int64(1e6) // the service's own times end in six zeros
	r.end = r.received/ms*ms - delay*ms
	r.start = r.end - took*ms
}

var workerClient = client{
	// Workers subrequests come from Cloudflare's own network.
	ip:  "2a06:98c0:3600::103",
	net: &network{country: "us", asn: 13335, colo: "FRA", coloID: 29, rtt: 1},
	who: &agent{proto: "HTTP/1.1", tls: "none", cipher: "NONE", group: "NONE", source: "Not Computed"},
}

// fillSubrequest rewrites r into a request made by its Worker.
func (g *Generator) fillSubrequest(r *record, rr *rng, parent uint64) {
	r.kind, r.parent, r.subCount = kindSub, parent, 0
	r.c, r.port = &workerClient, rr.between(1024, 65535)
	r.method, r.host, r.referer = "GET", r.site.api, ""
	r.path = append(r.path[:0], "/internal/v1/lookup/"...)
	r.path = strconv.AppendInt(r.path, int64(rr.below(100_000)), 10)
	r.uri = append(r.uri[:0], r.path...)
	r.status, r.origin, r.cache = 200, 200, "dynamic"
	r.reqBytes, r.body, r.head = rr.between(300, 900), rr.between(80, 4_000), rr.between(200, 600)
	r.bits = rr.next()
	r.waf, r.sqli, r.xss, r.rce = 0, 0, 0, 0
	r.rule, r.leaked = nil, ""
	r.upstream = rr.between(4, 60)
	r.firstByte = r.upstream + rr.below(3)
	const ms = int64(1e6)
	r.start += int64(rr.below(5)) * ms
	r.end = r.start + int64(r.firstByte)*ms
}
