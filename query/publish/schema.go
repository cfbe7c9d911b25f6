package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"

	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// The columns that are not in a file of columns, and the ids of the partition's fields.
const (
	windowColumn = "_window" // the window's start
	nanosSuffix  = "_nanos"

	zoneField = 1000
	hourField = 1001
	hourName  = "_window_hour"
)

// maxColumns bounds what names in records may make of a table.
const maxColumns = 4000

// output is one column of a file to be published.
type output struct {
	field  iceberg.NestedField
	source string // name in the file of columns; "" for the window's start
	from   schema.Type
	micros bool // of nanoseconds
}

// own are the columns beside a record's own, in the order of their ids.
func own() []schema.Field {
	return []schema.Field{
		{Name: columns.ZoneColumn, Type: schema.String}, {Name: columns.SeqColumn, Type: schema.Int},
		{Name: columns.ObjectColumn, Type: schema.String}, {Name: columns.LineColumn, Type: schema.Int},
		{Name: columns.ErrorColumn, Type: schema.String}, {Name: columns.EventColumn, Type: schema.Time},
	}
}

// evolution is a table's columns while a run adds to them.
type evolution struct {
	fields  []iceberg.NestedField
	byName  map[string]int // lower case
	last    int            // the highest id that was ever given
	grown   bool
	leftOut map[string]bool // fields that the table cannot take
}

// newEvolution goes on from a table's columns, or begins with the registry's.
func newEvolution(dataset string, fields []iceberg.NestedField, last int) *evolution {
	v := &evolution{byName: map[string]int{}, leftOut: map[string]bool{}, last: last}
	for _, f := range fields {
		v.byName[strings.ToLower(f.Name)] = len(v.fields)
		v.fields = append(v.fields, f)
	}
	if len(fields) == 0 {
		v.outputs(schema.Columns(dataset, nil, columns.Reserved()))
	}
	return v
}

// outputs returns the columns of a file with these fields, in the order of
// their ids; fields that are new to the table get new ids. A field that has the name of
// one of our own columns is left out, as is one more than a table may have.
func (v *evolution) outputs(fields []schema.Field) []output {
	var outs []output
	taken := map[int]bool{}
	add := func(name string, t iceberg.Type, o output) bool {
		o, ok := v.output(name, t, o)
		if !ok || taken[o.field.ID] {
			v.leftOut[name] = true
			return false
		}
		taken[o.field.ID] = true
		outs = append(outs, o)
		return true
	}
	add(windowColumn, iceberg.PrimitiveTypes.TimestampTz, output{micros: true})
	for _, f := range append(own(), fields...) {
		if strings.EqualFold(f.Name, hourName) {
			v.leftOut[f.Name] = true
			continue
		}
		o := output{source: f.Name, from: f.Type, micros: f.Type == schema.Time}
		if !add(f.Name, icebergType(f.Type), o) || f.Type != schema.Time {
			continue
		}
		o.micros = false
		add(f.Name+nanosSuffix, iceberg.PrimitiveTypes.Int64, o)
	}
	slices.SortFunc(outs, func(a, b output) int { return a.field.ID - b.field.ID })
	return outs
}

// output finds or adds a column. One that was published as text, as an unknown
// field is, stays text; of other types none becomes another.
func (v *evolution) output(name string, t iceberg.Type, o output) (output, bool) {
	at, found := v.byName[strings.ToLower(name)]
	switch {
	case !found && len(v.fields) >= maxColumns:
		return o, false
	case !found:
		v.last++
		at = len(v.fields)
		v.fields = append(v.fields, iceberg.NestedField{ID: v.last, Name: name, Type: t})
		v.byName[strings.ToLower(name)], v.grown = at, true
	case !v.fields[at].Type.Equals(t) && !v.fields[at].Type.Equals(iceberg.PrimitiveTypes.String):
		return o, false
	}
	o.field = v.fields[at]
	return o, true
}

func (v *evolution) id(name string) int { return v.fields[v.byName[strings.ToLower(name)]].ID }

// icebergType: lists are their JSON text, as in files of columns.
func icebergType(t schema.Type) iceberg.Type {
	switch t {
	case schema.Int:
		return iceberg.PrimitiveTypes.Int64
	case schema.Float:
		return iceberg.PrimitiveTypes.Float64
	case schema.Bool:
		return iceberg.PrimitiveTypes.Bool
	case schema.Time:
		return iceberg.PrimitiveTypes.TimestampTz
	default:
		return iceberg.PrimitiveTypes.String
	}
}

// layout is the version of what is written into a file of given columns.
const layout = 1

// digestOf names a file's columns.
func digestOf(outs []output) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", layout)
	for _, o := range outs {
		fmt.Fprintf(h, "%d %s %q\n", o.field.ID, o.field.Type, o.field.Name)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// partition parts a table by zone and by the hour of the window's start.
func (v *evolution) partition() iceberg.PartitionSpec {
	return iceberg.NewPartitionSpec(
		iceberg.PartitionField{SourceIDs: []int{v.id(columns.ZoneColumn)}, FieldID: zoneField, Name: columns.ZoneColumn, Transform: iceberg.IdentityTransform{}},
		iceberg.PartitionField{SourceIDs: []int{v.id(windowColumn)}, FieldID: hourField, Name: hourName, Transform: iceberg.HourTransform{}},
	)
}
