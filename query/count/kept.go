package count

import (
	"encoding/binary"
	"sync"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// Room is what a Kept mostly holds at most, nearly, in bytes.
const Room = 64 << 20

// Kept is kept between questions: the values of columns, numbered over all files, and for each file which of its own values has
// which of these numbers. A file's name holds its digest, so that what is known of it stays true. It is safe for concurrent use.
type Kept struct {
	room          int
	mu            sync.Mutex
	columns       map[columnOf]*numbering
	size          int // bytes, nearly
	used, refused int // of the latest question: columns of files that were kept, and those for which there was no room
}

type columnOf struct {
	name string
	is   schema.Type
}

// NewKept is empty, with room for so many bytes.
func NewKept(room int) *Kept { return &Kept{room: room, columns: map[columnOf]*numbering{}} }

// numberings are those of a question's columns. Where most of what the last question needed was not kept, for want of room, all
// is forgotten: somebody has gone on to other files.
func (k *Kept) numberings(names []string, types []schema.Type) []*numbering {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refused > k.used {
		k.columns, k.size = map[columnOf]*numbering{}, 0
	}
	k.used, k.refused = 0, 0
	out := make([]*numbering, len(names))
	for i, name := range names {
		of := columnOf{name, types[i]}
		if k.columns[of] == nil {
			k.columns[of] = &numbering{kept: k, is: types[i], all: newDictionary(), files: map[chunkOf][]uint32{}}
		}
		out[i] = k.columns[of]
	}
	return out
}

// grown notes a use, or one that there was no room for, and by how much it has grown.
func (k *Kept) grown(bytes int, used bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.size += bytes
	if used {
		k.used++
	} else {
		k.refused++
	}
}

func (k *Kept) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.size > k.room
}

// numbering numbers a column's values from 0 on, in all files.
type numbering struct {
	kept *Kept
	is   schema.Type

	mu    sync.RWMutex
	all   *dictionary
	files map[chunkOf][]uint32
}

// chunkOf names a row group of a file.
type chunkOf struct {
	path  string
	group int
}

// of is what is known of a file's values: their numbers, from the second on; the first is NULL's.
func (n *numbering) of(at chunkOf) []uint32 {
	n.mu.RLock()
	numbers := n.files[at]
	n.mu.RUnlock()
	if numbers != nil {
		n.kept.grown(0, true)
	}
	return numbers
}

// learn numbers a file's values and keeps that. It returns nil where there is no room for it.
func (n *numbering) learn(at chunkOf, data []byte, values int) ([]uint32, error) {
	if n.kept.full() || n.over() {
		n.kept.grown(0, false)
		return nil, nil
	}
	numbers, missing, err := n.find(data, values)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.all.size()
	for _, m := range missing {
		numbers[m.code] = uint32(n.all.number(m.value))
	}
	n.files[at] = numbers
	n.kept.grown(n.all.size()-before+4*len(numbers), true)
	return numbers, nil
}

func (n *numbering) over() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.all.full()
}

// unknown is a value without a number yet.
type unknown struct {
	code  int
	value []byte
}

// find are the numbers of a file's values, but for those missing. Most are known, and any number of threads may look for them.
func (n *numbering) find(data []byte, values int) (numbers []uint32, missing []unknown, err error) {
	if values < 0 || values > len(data)/4 {
		return nil, nil, errPage
	}
	numbers = make([]uint32, values+1)
	n.mu.RLock()
	defer n.mu.RUnlock()
	for code := 1; code <= values; code++ {
		value, rest, err := next(data, n.is)
		if err != nil {
			return nil, nil, err
		}
		data = rest
		if number, ok := n.all.find(value); ok {
			numbers[code] = uint32(number)
			continue
		}
		missing = append(missing, unknown{code, value})
	}
	return numbers, missing, nil
}

// value is a copy of what has a number.
func (n *numbering) value(number uint32) []byte {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return append([]byte(nil), n.all.value(int(number))...)
}

// values is how many there are by now.
func (n *numbering) values() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.all.values()
}

// next is a value that is written plainly.
func next(data []byte, is schema.Type) (value, rest []byte, err error) {
	if is != schema.String {
		if len(data) < 8 {
			return nil, nil, errPage
		}
		return data[:8], data[8:], nil
	}
	if len(data) < 4 {
		return nil, nil, errPage
	}
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; uint64(n) > uint64(len(data)) {
		return nil, nil, errPage
	}
	return data[:n], data[n:], nil
}
