package s3test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Proxy stands between a client and a server. Requests pass unless they meet a
// rule that has been ordered.
type Proxy struct {
	server *Server
	pass   *httputil.ReverseProxy
	front  *httptest.Server

	mu    sync.Mutex
	rules []*Rule
	seen  map[string]int // requests by operation
}

// Rule is a fault that strikes some requests.
type Rule struct {
	match func(*http.Request) bool
	left  int // how often it still strikes; negative: always
	hits  int
	fault Fault
	proxy *Proxy
}

// NewProxy returns a proxy before the server, which ends with the test.
func NewProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: s.address}
	transport := &http.Transport{DisableCompression: true}
	p := &Proxy{server: s, seen: map[string]int{}}
	p.pass = &httputil.ReverseProxy{
		// The host is signed: it stays the one that the client knows.
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		// No FlushInterval: its timer would flush what a fault has cut already.
		Transport:    transport,
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.front = httptest.NewUnstartedServer(p)
	p.front.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.front.Start()
	t.Cleanup(func() {
		p.front.CloseClientConnections()
		p.front.Close()
		transport.CloseIdleConnections()
	})
	return p
}

// URL returns the endpoint at which the proxy listens.
func (p *Proxy) URL() string { return p.front.URL }

// Order lets the fault strike the next times requests that match; always, if
// times is negative. Of several rules the first that matches is taken.
func (p *Proxy) Order(match func(*http.Request) bool, times int, fault Fault) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &Rule{match: match, left: times, fault: fault, proxy: p}
	p.rules = append(p.rules, r)
	return r
}

// Hits returns how often the rule has struck: a test of a fault that did not
// happen shows nothing.
func (r *Rule) Hits() int {
	r.proxy.mu.Lock()
	defer r.proxy.mu.Unlock()
	return r.hits
}

// Seen returns how many requests there were for an operation.
func (p *Proxy) Seen(operation string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[operation]
}

// ServeHTTP passes a request on, or lets it meet its fault.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := p.meet(r); fault != nil {
		fault(w, r, p)
		return
	}
	p.pass.ServeHTTP(w, r)
}

func (p *Proxy) meet(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[Operation(r)]++
	for _, rule := range p.rules {
		if rule.left != 0 && rule.match(r) {
			rule.left--
			rule.hits++
			return rule.fault
		}
	}
	return nil
}

// Op matches requests for one of the operations.
func Op(operations ...string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		have := Operation(r)
		for _, want := range operations {
			if have == want {
				return true
			}
		}
		return false
	}
}

// Operation returns the S3 operation of a path-style request, of those that
// tests care about; of others the method.
func Operation(r *http.Request) string {
	q := r.URL.Query()
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	of := func(resource string) string { return operations[r.Method+" "+resource] }
	var name string
	switch {
	case key != "" && q.Has("uploads"):
		name = of("key?uploads")
	case key != "" && q.Has("uploadId"):
		name = of("key?uploadId")
	case key != "" && (len(q) == 0 || q.Has("x-id") || q.Has("versionId")):
		name = of("key")
	case q.Has("versions"):
		name = of("bucket?versions")
	case q.Has("versioning"):
		name = of("bucket?versioning")
	case q.Has("list-type"):
		name = of("bucket?list-type")
	}
	if name == "" {
		return r.Method
	}
	return name
}

var operations = map[string]string{
	"PUT key": "PutObject", "GET key": "GetObject", "HEAD key": "HeadObject", "DELETE key": "DeleteObject",
	"POST key?uploads": "CreateMultipartUpload", "PUT key?uploadId": "UploadPart",
	"POST key?uploadId": "CompleteMultipartUpload", "DELETE key?uploadId": "AbortMultipartUpload",
	"GET bucket?list-type": "ListObjectsV2", "GET bucket?versions": "ListObjectVersions",
	"GET bucket?versioning": "GetBucketVersioning",
}
