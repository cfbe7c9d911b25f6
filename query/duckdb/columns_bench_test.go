package duckdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
)

// realisticLines returns NDJSON of n records of an hour with the variety of
// traffic: each RayID once, many addresses, few agents and codes.
func realisticLines(n int, begin time.Time, r *rand.Rand) string {
	var b strings.Builder
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Hour / time.Duration(n)).UnixNano()
		client := float64(int(r.ExpFloat64() * 3000)) // some 20,000 addresses
		fmt.Fprintf(&b, `{"BotScore":%d,"BotScoreSrc":"Machine Learning","CacheCacheStatus":"%s","CacheResponseBytes":%d,"CacheResponseStatus":200,"CacheTieredFill":false,"ClientASN":%d,"ClientCountry":"%s","ClientDeviceType":"desktop","ClientIP":"%d.%d.%d.%d","ClientIPClass":"noRecord","ClientRequestBytes":%d,"ClientRequestHost":"www.example.com","ClientRequestMethod":"GET","ClientRequestPath":"/shop/item/%d","ClientRequestProtocol":"HTTP/2","ClientRequestReferer":"https://www.example.com/shop/%d","ClientRequestScheme":"https","ClientRequestURI":"/shop/item/%d?session=%x","ClientRequestUserAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36","ClientSSLCipher":"AEAD-AES128-GCM-SHA256","ClientSSLProtocol":"TLSv1.3","ClientSrcPort":%d,"ClientTCPRTTMs":%d,"ClientXRequestedWith":"","Cookies":{"session":"%x"},"EdgeCFConnectingO2O":false,"EdgeColoCode":"MXP","EdgeColoID":%d,"EdgeEndTimestamp":%d,"EdgePathingOp":"wl","EdgePathingSrc":"macro","EdgePathingStatus":"nr","EdgeRequestHost":"www.example.com","EdgeResponseBodyBytes":%d,"EdgeResponseBytes":%d,"EdgeResponseCompressionRatio":%.2f,"EdgeResponseContentType":"text/html","EdgeResponseStatus":%d,"EdgeServerIP":"172.68.1.%d","EdgeStartTimestamp":%d,"EdgeTimeToFirstByteMs":%d,"OriginIP":"192.0.2.1","OriginResponseBytes":0,"OriginResponseDurationMs":%d,"OriginResponseHTTPExpires":"","OriginResponseHTTPLastModified":"","OriginResponseStatus":200,"OriginSSLProtocol":"TLSv1.3","ParentRayID":"00","RayID":"%016x","RequestHeaders":{"accept":"text/html,application/xhtml+xml","accept-language":"it-IT,it;q=0.9"},"SecurityLevel":"med","SmartRouteColoID":0,"UpperTierColoID":0,"WAFAttackScore":%d,"WAFProfile":"unknown","WorkerCPUTime":0,"WorkerStatus":"unknown","WorkerSubrequest":false,"WorkerSubrequestCount":0,"ZoneName":"example.com","BotTags":["api"],"SecurityRuleIDs":[]}`+"\n",
			r.IntN(100), []string{"hit", "miss", "dynamic"}[r.IntN(3)], r.IntN(1<<16), r.IntN(60000), []string{"IT", "DE", "FR", "US", "CN"}[r.IntN(5)],
			int(client)%223+1, int(client*7)%256, int(client*31)%256, int(client*101)%256, r.IntN(2000), r.IntN(5000), r.IntN(200), r.IntN(5000), r.Uint32(),
			100+r.IntN(30), r.IntN(65536), r.IntN(300), r.Uint64(), r.IntN(300), at+int64(r.IntN(1e9)), r.IntN(1<<16), r.IntN(1<<16), 1+r.Float64()*4,
			[]int{200, 200, 200, 200, 304, 301, 404, 403, 500, 502}[r.IntN(10)], r.IntN(256), at, r.IntN(400), r.IntN(400), r.Uint64(), r.IntN(100))
	}
	return b.String()
}

// BenchmarkColumns asks 24 hours of columns; RAINLOGS_BENCH_RECORDS sets how
// many records they have (960000 is the size that the aims are for). Each question opens its
// dataset; the chain, the engine and its next instance are there.
func BenchmarkColumns(b *testing.B) {
	records := 24_000
	if s := os.Getenv("RAINLOGS_BENCH_RECORDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		records = n
	}
	a, r := datasettest.New(b, datasettest.Zone), rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		begin := time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC)
		a.Window(begin, time.Hour, realisticLines(records/24, begin, r))
	}
	store := a.NewLocal()
	cache := openCache(b)
	open := func(rng dataset.Range) *dataset.Dataset {
		d, err := dataset.Open(context.Background(), store, []dataset.Chain{a.Chain()}, dataset.Options{Range: rng})
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	d := open(dataset.Range{})
	began := time.Now()
	if err := cache.Build(context.Background(), d.Objects(), columns.BuildOptions{}); err != nil {
		b.Fatal(err)
	}
	b.Logf("columns of %d records built in %s", records, time.Since(began))
	e := openEngine(b, duckdb.Config{Columns: cache})
	hour := dataset.Range{From: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 1, 13, 0, 0, 0, time.UTC)}
	for _, bench := range []struct {
		name, sql string
		rng       dataset.Range
	}{
		{"nothing", "SELECT 1", dataset.Range{}},
		{"bind", "EXPLAIN SELECT ClientIP, count(*) FROM logs GROUP BY 1", dataset.Range{}},
		{"count", "SELECT count(*) FROM logs", dataset.Range{}},
		{"top_clients", "SELECT ClientIP, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC LIMIT 10", dataset.Range{}},
		{"status_by_hour", "SELECT date_trunc('hour', EdgeStartTimestamp) h, EdgeResponseStatus, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2", dataset.Range{}},
		{"one_ray", "SELECT ClientIP, EdgeStartTimestamp, ClientRequestPath FROM logs WHERE RayID = '00c0ffee00c0ffee'", dataset.Range{}},
		{"one_ray_all_columns", "SELECT * FROM logs WHERE RayID = '00c0ffee00c0ffee'", dataset.Range{}},
		{"hour_top_clients", "SELECT ClientIP, count(*) FROM logs GROUP BY 1 ORDER BY 2 DESC LIMIT 10", hour},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var spent time.Duration // of processors: what a busy machine does not blur
			for b.Loop() {
				b.StopTimer()
				e.Ready()
				before := processors(b)
				b.StartTimer()
				d := open(bench.rng)
				res, err := e.Query(context.Background(), query.Request{SQL: bench.sql, Dataset: d})
				if err == nil {
					for _, rowErr := range res.Rows() {
						err = rowErr
					}
				}
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				spent += processors(b) - before
				if err := res.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// processors is the processor time that the process has had.
func processors(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
