package metrics

import (
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// other is told for a value outside a closed list.
const other = "other"

// maxLabel bounds a label's value, in bytes: a host name's length.
const maxLabel = 253

// zoneLabels are a zone's, in the order of zoneValues.
var zoneLabels = []string{"zone", "name", "dataset"}

func zoneValues(z catalog.Zone) []string {
	return []string{label(z.ID), label(z.Name), label(z.Dataset)}
}

// label makes foreign text a label's value; the client library panics on
// what is not UTF-8.
func label(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > maxLabel {
		s = strings.ToValidUTF8(s[:maxLabel], "")
	}
	return s
}

// classes are what a failure may be told as: the source's, and "store" and
// "internal" for failures that are not the source's.
var classes = []string{
	string(source.ClassRetry), string(source.ClassSplit), string(source.ClassBlocked), string(source.ClassGone), string(source.ClassBug),
	ClassStore, ClassInternal,
}

// Classes of failures that are not the source's.
const (
	ClassStore    = "store"
	ClassInternal = "internal"
)

var reasons = []string{
	source.ReasonTooOld, source.ReasonRetentionOff, source.ReasonNotEntitled, source.ReasonBoundary, source.ReasonCredential,
}

// among is s if the closed list has it.
func among(list []string, s string) string {
	if slices.Contains(list, s) {
		return s
	}
	return other
}
