package count

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// chunk is a column of a row group as its file has it: its values by number, and each row's number. The number 0 is NULL, then come the
// file's own values, and behind these the thread's, which take what a file has written without a dictionary.
type chunk struct {
	is    schema.Type
	codes []uint32 // of the rows
	own   int      // how many values NULL and the file's own are
	// The file's own values: their numbers in the numbering, the first is NULL's; or, where there is no room for these, end to end, and
	// where they end.
	numbers   []uint32
	text      []byte
	ends      []int
	numbering *numbering
	all       *dictionary

	levels []uint32
}

// values is how many numbers there are.
func (c *chunk) values() int { return c.own + c.all.values() }

// value is what has a number other than 0.
func (c *chunk) value(code int) []byte {
	switch {
	case code >= c.own:
		return c.all.value(code - c.own)
	case c.numbers != nil:
		return c.numbering.value(c.numbers[code])
	}
	return c.text[c.ends[code-1]:c.ends[code]]
}

// absent makes the column of rows that do not have it.
func (c *chunk) absent(rows int) {
	c.reset(rows)
	clear(c.codes)
}

func (c *chunk) reset(rows int) {
	c.codes, c.own, c.numbers, c.text, c.ends = sized(c.codes, rows), 1, nil, c.text[:0], append(c.ends[:0], 0)
}

// sized is a slice of n elements, whatever they are.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// read reads a column from its pages, for some of its rows: the numbers of the others may be anything.
func (c *chunk) read(pages file.PageReader, from chunkOf, wanted rows) error {
	c.reset(wanted.n)
	at := 0
	for pages.Next() {
		switch p := pages.Page().(type) {
		case *file.DictionaryPage:
			if err := c.dictionary(p.Data(), int(p.NumValues()), from); err != nil {
				return err
			}
		case *file.DataPageV1:
			n := int(p.NumValues())
			if n > wanted.n-at {
				return errPage
			}
			if err := c.page(p.Data(), parquet.Encoding(p.Encoding()), c.codes[at:at+n], wanted.from(at)); err != nil {
				return err
			}
			at += n
		default:
			return fmt.Errorf("%w: a %T", errPage, p)
		}
	}
	if err := pages.Err(); err != nil {
		return fmt.Errorf("read page of columns: %w", err)
	}
	if at != wanted.n {
		return errPage
	}
	return nil
}

// dictionary reads the file's own values, if they are not known.
func (c *chunk) dictionary(data []byte, n int, from chunkOf) (err error) {
	if c.own > 1 {
		return errPage // a second one
	}
	if c.numbers = c.numbering.of(from); c.numbers == nil {
		if c.numbers, err = c.numbering.learn(from, data, n); err != nil {
			return err
		}
	}
	c.own = n + 1
	if c.numbers != nil {
		if len(c.numbers) != c.own {
			return errPage
		}
		return nil
	}
	for range n {
		value, rest, err := next(data, c.is)
		if err != nil {
			return err
		}
		c.text, data = append(c.text, value...), rest
		c.ends = append(c.ends, len(c.text))
	}
	return nil
}

// page reads a page's rows: which of them have a value, in a run of its own, and behind it the values.
func (c *chunk) page(data []byte, how parquet.Encoding, out []uint32, wanted rows) error {
	if len(data) < 4 {
		return errPage
	}
	size := binary.LittleEndian.Uint32(data)
	if data = data[4:]; uint64(size) > uint64(len(data)) {
		return errPage
	}
	some, err := c.present(data[:size], len(out))
	if err != nil {
		return err
	}
	if some < len(out) {
		wanted = rows{all: true} // by row, not by value
	}
	switch data = data[size:]; how {
	case parquet.Encodings.PlainDict, parquet.Encodings.RLEDict:
		err = c.indices(data, out[:some])
	case parquet.Encodings.Plain:
		err = c.plain(data, out[:some], wanted)
	default:
		err = fmt.Errorf("%w: encoding %s", errPage, how)
	}
	if err == nil && some < len(out) {
		c.spread(out, some)
	}
	return err
}

// present reads which rows have a value, and returns how many do.
func (c *chunk) present(src []byte, rows int) (some int, err error) {
	if ones(src, rows) {
		return rows, nil // and the levels are not looked at
	}
	c.levels = sized(c.levels, rows)
	if most, err := hybrid(src, 1, 0, c.levels); err != nil || most > 1 {
		return 0, errPage
	}
	for _, level := range c.levels {
		some += int(level)
	}
	return some, nil
}

// spread moves the values, which are first, to the rows that have some.
func (c *chunk) spread(out []uint32, some int) {
	for i := len(out) - 1; i >= 0; i-- {
		if c.levels[i] == 0 {
			out[i] = 0
			continue
		}
		some--
		out[i] = out[some]
	}
}

// indices reads the numbers of the file's own values.
func (c *chunk) indices(data []byte, out []uint32) error {
	if len(out) == 0 {
		return nil
	}
	if len(data) == 0 {
		return errPage
	}
	highest, err := hybrid(data[1:], uint(data[0]), 1, out)
	if err == nil && uint64(highest)+1 >= uint64(c.own) {
		err = errPage
	}
	return err
}

// plain reads values that are written without the dictionary.
func (c *chunk) plain(data []byte, out []uint32, wanted rows) error {
	for i := range out {
		value, rest, err := next(data, c.is)
		if err != nil {
			return err
		}
		data = rest
		if !wanted.all {
			if len(wanted.chosen) == 0 {
				return nil
			}
			if wanted.chosen[0] != wanted.first+uint32(i) {
				continue
			}
			wanted.chosen = wanted.chosen[1:]
		}
		out[i] = uint32(c.own + c.all.number(value))
	}
	if c.all.full() {
		return errElsewhere
	}
	return nil
}
