package saved_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/saved"
)

// traced are the queries that TestTracing asks.
var traced = map[string]bool{
	"onset_5xx": true, "waf_bypass": true, "new_user_agents": true, "client_session": true, "ray_trace": true, "absence": true,
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// incidents are 40 minutes: /pay fails from the 20th on, /broken always does,
// 9.9.9.9 is stopped and then gets past the firewall, curl comes in the 35th minute, 7.7.7.7 pauses,
// and a Worker's request has subrequests. A window of 5 minutes from the 10th on is missing.
func incidents(t *testing.T) *datasettest.Archive {
	a := datasettest.New(t, datasettest.Zone)
	windows := map[int]*strings.Builder{}
	n := 0
	add := func(minute float64, members string) {
		at := noon.Add(time.Duration(minute * float64(time.Minute)))
		w := int(minute) / 5 * 5
		if windows[w] == nil {
			windows[w] = &strings.Builder{}
		}
		n++
		record := fmt.Sprintf(`{"EdgeStartTimestamp":%d,"ClientRequestHost":"shop","ClientRequestMethod":"GET"`, at.UnixNano())
		for name, value := range map[string]string{
			"ClientIP": `"1.1.1.1"`, "RayID": fmt.Sprintf(`"%016x"`, n), "ParentRayID": `"00"`, "EdgeResponseStatus": "200",
			"ClientRequestPath": `"/"`, "ClientRequestURI": `"/"`, "ClientRequestUserAgent": `"Mozilla/5.0"`,
		} {
			if !strings.Contains(members, `"`+name+`":`) {
				record += `,"` + name + `":` + value
			}
		}
		windows[w].WriteString(record + "," + members + "}\n")
	}
	for m := range 40 {
		if m >= 10 && m < 15 {
			continue
		}
		status := "200"
		if m >= 20 {
			status = "502"
		}
		for i := range 10 {
			at := float64(m) + float64(i)/60
			add(at, `"ClientRequestPath":"/pay","EdgeResponseStatus":`+status)
			add(at, `"ClientRequestPath":"/one-in-ten","EdgeResponseStatus":`+map[bool]string{true: "500", false: "200"}[i == 0])
		}
	}
	add(16.1, `"ClientIP":"9.9.9.9","ClientRequestPath":"/admin","SecurityAction":"block","EdgeResponseStatus":403,"WAFAttackScore":5,"RayID":"stopped"`)
	add(16.0, `"ClientIP":"9.9.9.9","ClientRequestPath":"/before","WAFAttackScore":5,"RayID":"before"`)
	add(16.2, `"ClientIP":"9.9.9.9","ClientRequestPath":"/ADMIN/","WAFAttackScore":12,"RayID":"scored"`)
	add(16.3, `"ClientIP":"9.9.9.9","ClientRequestPath":"/admin","WAFAttackScore":80,"RayID":"samepath"`)
	add(16.4, `"ClientIP":"9.9.9.9","ClientRequestPath":"/innocent","WAFAttackScore":80,"RayID":"innocent"`)
	add(16.5, `"ClientIP":"8.8.8.8","ClientRequestPath":"/admin","WAFAttackScore":3,"RayID":"neverstopped"`)
	add(35.5, `"ClientIP":"6.6.6.6","ClientRequestUserAgent":"curl/8.0"`)
	add(36.5, `"ClientIP":"6.6.6.7","ClientRequestUserAgent":"curl/8.0"`)
	add(3.5, `"ClientIP":"6.6.6.6","ClientRequestUserAgent":"old/1.0"`)
	add(37.5, `"ClientIP":"6.6.6.6","ClientRequestUserAgent":"old/1.0"`)
	add(1, `"ClientIP":"7.7.7.7","RayID":"a"`)
	add(2, `"ClientIP":"7.7.7.7","RayID":"b"`)
	add(38, `"ClientIP":"7.7.7.7","RayID":"c"`)
	add(5.1, `"RayID":"AA11","ParentRayID":"00","ClientIP":"5.5.5.5"`)
	add(5.2, `"RayID":"bb22","ParentRayID":"aa11","WorkerSubrequest":true`)
	add(5.3, `"RayID":"cc33","ParentRayID":"bb22","WorkerSubrequest":true`)
	add(5.4, `"RayID":"dd44","ParentRayID":"AA11","WorkerSubrequest":true`)
	add(5.5, `"RayID":"ee55","ParentRayID":"ff66","WorkerSubrequest":true`)
	for w := 0; w < 40; w += 5 {
		if w != 10 {
			a.Window(noon.Add(time.Duration(w)*time.Minute), 5*time.Minute, windows[w].String())
		}
	}
	return a
}

// TestTracing asks each query for what was put there, and demands that it finds nothing else.
func TestTracing(t *testing.T) {
	t.Parallel()
	a := incidents(t)
	e, err := duckdb.Open(context.Background(), duckdb.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	library, err := saved.Open()
	if err != nil {
		t.Fatal(err)
	}
	minutes := func(from, to int) *dataset.Dataset { // a tail of a second: the windows after it are not asked for
		return a.Open(dataset.Options{Tail: time.Second, Range: dataset.Range{
			From: noon.Add(time.Duration(from) * time.Minute), To: noon.Add(time.Duration(to)*time.Minute - 2*time.Second)}})
	}
	all, early, hole := a.Open(dataset.Options{}), minutes(0, 10), minutes(5, 20)
	for _, c := range []struct {
		name    string
		data    *dataset.Dataset
		params  map[string]string
		columns string
		want    []string
	}{
		{"onset_5xx", all, nil, "onset, ClientRequestPath, errors_since, requests_since, share_before", []string{"2026-01-01 12:20:00 +0000 UTC /pay 200 200 0"}},
		{"onset_5xx", all, map[string]string{"min_errors": "1", "min_share": "0.05"}, "onset, ClientRequestPath, share_before",
			[]string{"2026-01-01 12:00:00 +0000 UTC /one-in-ten <nil>", "2026-01-01 12:20:00 +0000 UTC /pay 0"}},
		{"waf_bypass", all, nil, "RayID", []string{"scored", "samepath"}},
		{"new_user_agents", all, nil, "ClientRequestUserAgent, requests, clients, first_client", []string{"curl/8.0 2 2 6.6.6.6"}},
		{"new_user_agents", all, map[string]string{"since": "2026-01-01T13:36:00+01:00"}, "ClientRequestUserAgent", nil},
		{"new_user_agents", all, map[string]string{"since": "2026-01-01T12:03:00Z"}, "ClientRequestUserAgent", []string{"curl/8.0", "old/1.0"}},
		{"client_session", all, map[string]string{"ip": "7.7.7.7"}, "RayID, session, since_last", []string{"a 1 <nil>", "b 1 60", "c 2 2160"}},
		{"client_session", all, map[string]string{"ip": "6.6.6.0/24", "pause": "60"}, "ClientIP, session", []string{"6.6.6.6 1", "6.6.6.6 2", "6.6.6.6 3", "6.6.6.7 1"}},
		{"ray_trace", all, map[string]string{"ray": "bb22-FRA"}, "RayID, level", []string{"AA11 -1", "bb22 0", "dd44 0", "cc33 1"}},
		{"ray_trace", all, map[string]string{"ray": "ee55"}, "RayID", []string{"ee55"}},
		{"ray_trace", all, map[string]string{"ray": "nope"}, "RayID", nil},
		{"absence", early, map[string]string{"ip": "9.9.9.9"}, "requests, finding, windows, incomplete_windows, incomplete", []string{"0 no request in what was collected 2 0 <nil>"}},
		{"absence", early, map[string]string{"ip": "7.7.7.0/24"}, "requests, finding, first_seen", []string{"2 present 2026-01-01 12:01:00 +0000 UTC"}},
		{"absence", hole, map[string]string{"ip": "7.7.7.7"}, "requests, finding, windows, incomplete_windows, incomplete->>'$[0].state', incomplete->>'$[0].start'",
			[]string{"0 not proven: windows are incomplete 2 1 missing 2026-01-01 12:10:00"}},
	} {
		q, err := library.Find(c.name)
		if err != nil {
			t.Fatal(err)
		}
		values, err := q.Values(c.params)
		if err != nil {
			t.Fatal(err)
		}
		sql := "SELECT " + strings.ReplaceAll(c.columns, "incomplete->>", "to_json(incomplete)->>") + " FROM (\n" + q.SQL + "\n)"
		res, err := e.Query(context.Background(), query.Request{SQL: sql, Params: values, Dataset: c.data})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for row, err := range res.Rows() {
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			got = append(got, strings.TrimSuffix(fmt.Sprintln(row...), "\n"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %v: %s", c.name, c.params, diff)
		}
		if err := res.Close(); err != nil {
			t.Error(err)
		}
	}
}
