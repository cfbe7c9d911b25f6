package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
)

// kind is the first byte of a cell. Numbers are big-endian, of a fixed size;
// what has no fixed size follows its length in four bytes. gob cannot carry cells: it
// has no nil in a list of interfaces.
type kind byte

const (
	cellNull   kind = iota
	cellFalse       //
	cellTrue        //
	cellInt         // 8 bytes
	cellUint        // 8 bytes
	cellBig         // decimal text
	cellFloat       // 8 bytes, IEEE 754: a NaN keeps its bits
	cellString      // bytes, UTF-8 or not
	cellBytes       // bytes
	cellTime        // 8 bytes of seconds since 1970, 4 of nanoseconds
	cellNumber      // text
	cellJSON        // text
)

// maxCell bounds one cell; DuckDB's own limit for a text is 4 GiB.
const maxCell = 1 << 30

// errCells: bytes that are no cells.
var errCells = errors.New("malformed cells")

// appendCell appends a cell of query.Result.
func appendCell(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, byte(cellNull)), nil
	case bool:
		if v {
			return append(b, byte(cellTrue)), nil
		}
		return append(b, byte(cellFalse)), nil
	case int64:
		return binary.BigEndian.AppendUint64(append(b, byte(cellInt)), uint64(v)), nil
	case uint64:
		return binary.BigEndian.AppendUint64(append(b, byte(cellUint)), v), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(b, byte(cellFloat)), math.Float64bits(v)), nil
	case time.Time:
		b = binary.BigEndian.AppendUint64(append(b, byte(cellTime)), uint64(v.Unix()))
		return binary.BigEndian.AppendUint32(b, uint32(v.Nanosecond())), nil
	case *big.Int:
		return appendSized(b, cellBig, v.String())
	case string:
		return appendSized(b, cellString, v)
	case []byte:
		return appendSized(b, cellBytes, v)
	case query.Number:
		return appendSized(b, cellNumber, v)
	case query.JSON:
		return appendSized(b, cellJSON, v)
	}
	return nil, fmt.Errorf("a cell of type %T cannot cross to another process", v)
}

func appendSized[T ~string | ~[]byte](b []byte, k kind, text T) ([]byte, error) {
	if len(text) > maxCell {
		return nil, fmt.Errorf("a cell has %d bytes, more than %d", len(text), maxCell)
	}
	b = binary.BigEndian.AppendUint32(append(b, byte(k)), uint32(len(text)))
	return append(b, text...), nil
}

// cells is a stream of cells that comes in pieces.
type cells struct {
	buf  []byte
	more func() ([]byte, error) // the next piece, valid until it is called again
}

// take returns the next n bytes, valid until the next call. Memory is taken
// for what has come, not for what was announced.
func (c *cells) take(n int) ([]byte, error) {
	if len(c.buf) >= n {
		out := c.buf[:n]
		c.buf = c.buf[n:]
		return out, nil
	}
	whole := append([]byte(nil), c.buf...)
	for c.buf = nil; len(whole) < n; {
		piece, err := c.more()
		if err != nil {
			return nil, err
		}
		use := min(n-len(whole), len(piece))
		whole, c.buf = append(whole, piece[:use]...), piece[use:]
	}
	return whole, nil
}

// next returns the next cell; it shares no memory with the stream.
func (c *cells) next() (any, error) {
	head, err := c.take(1)
	if err != nil {
		return nil, err
	}
	switch k := kind(head[0]); k {
	case cellNull:
		return nil, nil
	case cellFalse, cellTrue:
		return k == cellTrue, nil
	case cellInt, cellUint, cellFloat:
		return c.number(k)
	case cellTime:
		return c.time()
	case cellBig, cellString, cellBytes, cellNumber, cellJSON:
		return c.sized(k)
	default:
		return nil, fmt.Errorf("%w: kind %d", errCells, k)
	}
}

func (c *cells) number(k kind) (any, error) {
	b, err := c.take(8)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint64(b)
	switch k {
	case cellInt:
		return int64(n), nil
	case cellFloat:
		return math.Float64frombits(n), nil
	}
	return n, nil
}

func (c *cells) time() (any, error) {
	b, err := c.take(12)
	if err != nil {
		return nil, err
	}
	nanos := binary.BigEndian.Uint32(b[8:])
	if nanos >= uint32(time.Second) {
		return nil, fmt.Errorf("%w: %d nanoseconds", errCells, nanos)
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)), int64(nanos)).UTC(), nil
}

func (c *cells) sized(k kind) (any, error) {
	b, err := c.take(4)
	if err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(b)
	if size > maxCell {
		return nil, fmt.Errorf("%w: a cell of %d bytes", errCells, size)
	}
	if b, err = c.take(int(size)); err != nil {
		return nil, err
	}
	switch k {
	case cellBytes:
		return append([]byte{}, b...), nil
	case cellJSON:
		return query.JSON(append([]byte{}, b...)), nil
	case cellNumber:
		return query.Number(b), nil
	case cellBig:
		n, ok := new(big.Int).SetString(string(b), 10)
		if !ok || n.String() != string(b) {
			return nil, fmt.Errorf("%w: %.40q is no integer", errCells, b)
		}
		return n, nil
	}
	return string(b), nil
}
