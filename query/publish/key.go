package publish

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Prefix is that of all derived data in a store.
const Prefix = "columns/"

const (
	dateLayout = "2006-01-02"
	hintName   = "version-hint.text"
)

func root(dataset string) string        { return Prefix + dataset + "/" }
func dataPrefix(dataset string) string  { return root(dataset) + "data/" }
func tablePrefix(dataset string) string { return root(dataset) + "metadata/" }

func metadataKey(dataset string, version int64) string {
	return fmt.Sprintf("%sv%d.metadata.json", tablePrefix(dataset), version)
}

// versionOf returns the N of a v<N>.metadata.json.
func versionOf(key, dataset string) (int64, bool) {
	name, ok := strings.CutPrefix(key, tablePrefix(dataset)+"v")
	digits, isMeta := strings.CutSuffix(name, ".metadata.json")
	if !ok || !isMeta {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || metadataKey(dataset, n) != key {
		return 0, false
	}
	return n, true
}

// origin says what a file was made of.
type origin struct {
	zone   string
	window time.Time // its start
	object string    // SHA-256
	seq    int64
}

func originOf(e *evidence.Entry) origin {
	return origin{e.Zone, e.Window.Start.UTC(), e.Object.SHA256.String(), e.Seq}
}

// hour is the partition: the folders do not tell more of the window.
func (o origin) hour() origin {
	o.window = o.window.Truncate(time.Hour)
	return o
}

func (o origin) key(dataset, columns string) string {
	return fmt.Sprintf("%szone=%s/date=%s/hour=%02d/%s-%d-%s.parquet", dataPrefix(dataset), o.zone,
		o.window.Format(dateLayout), o.window.Hour(), o.object, o.seq, columns)
}

var dataName = regexp.MustCompile(`^zone=([0-9a-f]{32})/date=(\d{4}-\d\d-\d\d)/hour=(\d\d)/([0-9a-f]{64})-(0|[1-9]\d{0,17})-[0-9a-f]{16}\.parquet$`)

// parseKey returns what a data file was made of, with the hour for a window.
func parseKey(dataset, key string) (origin, bool) {
	name, ok := strings.CutPrefix(key, dataPrefix(dataset))
	m := dataName.FindStringSubmatch(name)
	if !ok || m == nil {
		return origin{}, false
	}
	at, err := time.Parse(dateLayout+" 15", m[2]+" "+m[3])
	if err != nil {
		return origin{}, false
	}
	seq, err := strconv.ParseInt(m[5], 10, 64)
	if err != nil {
		return origin{}, false
	}
	return origin{m[1], at, m[4], seq}, true
}
