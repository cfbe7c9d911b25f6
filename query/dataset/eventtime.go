package dataset

import "github.com/fabriziosalmi/rainlogs/core/jsonline"

// maxClocked is the length up to which the scanner and the sealed measure are
// sure to read the same event time from a well-formed line.
const maxClocked = 1 << 20

// EventTime returns the time by which a line is placed in a range, as Holds
// takes it. The value is the raw one of the dataset's time field, nil for
// none, as a jsonline.Scanner found it; whole is false if the line is no record
// or was not scanned for that field.
func (o *Object) EventTime(line, value []byte, whole bool) (nanos int64, timed bool) {
	if !whole || !o.scanned || len(line) > maxClocked {
		return o.clock.Read(line)
	}
	return jsonline.Time(value, o.Entry.Source.Timestamps)
}
