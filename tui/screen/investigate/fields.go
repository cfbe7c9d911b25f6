package investigate

import (
	"slices"
)

// favourites are the fields that an analyst looks at first, of all datasets: a
// dataset has its own of them. Field names are Cloudflare's.
var favourites = struct{ columns, facets, ray, client, agent []string }{
	columns: []string{
		"EdgeResponseStatus", "Action", "ClientIP", "SourceIP", "ClientRequestMethod", "ClientRequestHost", "ClientRequestURI",
		"ClientRequestPath", "QueryName", "QueryType", "ResponseCode", "RuleID", "ClientRequestUserAgent",
	},
	facets: []string{
		"EdgeResponseStatus", "ClientIP", "SourceIP", "ClientRequestPath", "ClientRequestMethod", "ClientCountry", "ClientCountryName", "ClientRequestUserAgent", "Action", "SecurityAction",
		"RuleID", "QueryName", "QueryType", "ResponseCode", "ClientRequestHost", "ClientASN",
	},
	ray:    []string{"RayID", "RayName"},
	client: []string{"ClientIP", "SourceIP", "IPAddress"},
	agent:  []string{"ClientRequestUserAgent", "UserAgent"},
}

// The pseudo-fields of the table: they are not the dataset's.
const (
	timeColumn = "time"
	zoneColumn = "zone"
)

// widths are of fields whose values have a usual length.
var widths = map[string]int{
	"EdgeResponseStatus": 6, "ClientRequestMethod": 6, "RayID": 16, "RayName": 16, "ClientCountry": 4, "ClientCountryName": 4,
	"Action": 10, "SecurityAction": 10, "ClientRequestHost": 18, "QueryType": 6, "ResponseCode": 6,
}

// heads are what a column is called where its name is wider than its values.
var heads = map[string]string{"EdgeResponseStatus": "STATUS", "ClientRequestMethod": "METHOD", "ClientCountry": "CTRY", "ClientCountryName": "CTRY", "QueryType": "TYPE", "ResponseCode": "RCODE"}

// kind is a field's kind, and whether the dataset has it.
func (s *Screen) kind(field string) (Kind, bool) {
	k, ok := s.kinds[s.view.Dataset][field]
	return k, ok
}

// firstOf is the first of some fields that the dataset has.
func (s *Screen) firstOf(names []string) string {
	for _, n := range names {
		if _, ok := s.kind(n); ok {
			return n
		}
	}
	return ""
}

// pickFields are those chosen for the dataset, or else its favourites, or else its first.
func (s *Screen) pickFields(chosen map[string][]string, favourites []string, most int) []string {
	known := func(name string) bool { _, ok := s.kind(name); return ok }
	if list, ok := chosen[s.view.Dataset]; ok {
		return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return !known(n) })
	}
	var out []string
	for _, n := range favourites {
		if known(n) && len(out) < most {
			out = append(out, n)
		}
	}
	for _, f := range s.ground.Fields[s.view.Dataset] {
		if len(out) == 0 || len(out) < min(most, 4) && !slices.Contains(out, f.Name) && f.Kind != Time {
			out = append(out, f.Name)
		}
	}
	return out
}

// shownColumns are the fields of the table.
func (s *Screen) shownColumns() []string {
	out := s.pickFields(s.columns, favourites.columns, 6)
	_, chosen := s.columns[s.view.Dataset]
	if i := slices.Index(out, "ClientRequestPath"); !chosen && i >= 0 && slices.Contains(out, "ClientRequestURI") {
		out = slices.Delete(out, i, i+1) // the address has it
	}
	if i := slices.Index(out, "ClientRequestHost"); !chosen && i >= 0 && s.width < 150 {
		out = slices.Delete(out, i, i+1)
	}
	return out
}

// askColumns are the fields that rows are asked with: those shown, and those that pivots need.
func (s *Screen) askColumns() []string {
	out := s.shownColumns()
	for _, names := range [][]string{favourites.ray, favourites.client, favourites.agent} {
		if n := s.firstOf(names); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
