package publish

import (
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/parquet"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// spell makes texts of a batch's values: of a field that was unknown when it
// was first published, and has a type now.
func (c *conversion) spell(t parquet.Type, o output) {
	c.texts = c.texts[:0]
	switch t {
	case parquet.Types.Int64:
		for _, n := range c.ints {
			text := strconv.FormatInt(n, 10)
			if o.from == schema.Time {
				text = time.Unix(0, n).UTC().Format(`"` + time.RFC3339Nano + `"`)
			}
			c.texts = append(c.texts, parquet.ByteArray(text))
		}
	case parquet.Types.Double:
		for _, f := range c.floats {
			c.texts = append(c.texts, parquet.ByteArray(strconv.FormatFloat(f, 'g', -1, 64)))
		}
	case parquet.Types.Boolean:
		for _, b := range c.bools {
			c.texts = append(c.texts, parquet.ByteArray(strconv.FormatBool(b)))
		}
	}
}
