package count

import (
	"bytes"
	"hash/maphash"
)

// maxValues and maxText are what a dictionary holds at most, nearly: a field with more is counted by SQL, which spills.
const maxValues, maxText = 1 << 18, 32 << 20

// dictionary numbers the values of a column from 0 on, over all files that a thread reads. A value is its text, or the
// eight bytes of an integer. It is a map that neither holds pointers nor takes memory for each of them.
type dictionary struct {
	text  []byte
	ends  []uint32
	slots []slot // a power of two of them, less than half of them full
	seed  maphash.Seed
}

type slot struct {
	hash uint32
	next uint32 // the value's number, plus one
}

func newDictionary() *dictionary {
	return &dictionary{slots: make([]slot, 1<<10), seed: maphash.MakeSeed()}
}

func (d *dictionary) values() int { return len(d.ends) }

// full: it holds more than it may.
func (d *dictionary) full() bool { return len(d.ends) > maxValues || len(d.text) > maxText }

// size is its memory in bytes, nearly.
func (d *dictionary) size() int { return len(d.text) + 4*len(d.ends) + 8*len(d.slots) }

func (d *dictionary) value(n int) []byte {
	if n == 0 {
		return d.text[:d.ends[0]]
	}
	return d.text[d.ends[n-1]:d.ends[n]]
}

// find is a value's number, if it has one.
func (d *dictionary) find(value []byte) (n int, ok bool) {
	at, _ := d.look(value)
	next := d.slots[at].next
	return int(next) - 1, next > 0
}

// look is the slot of a value: that which has it, or the one where it belongs.
func (d *dictionary) look(value []byte) (at int, hash uint32) {
	hash = uint32(maphash.Bytes(d.seed, value))
	mask := len(d.slots) - 1
	for at = int(hash) & mask; ; at = (at + 1) & mask {
		s := d.slots[at]
		if s.next == 0 || s.hash == hash && bytes.Equal(d.value(int(s.next-1)), value) {
			return at, hash
		}
	}
}

// number is a value's number, a new one where it has none.
func (d *dictionary) number(value []byte) int {
	at, hash := d.look(value)
	if next := d.slots[at].next; next > 0 {
		return int(next - 1)
	}
	d.text, d.ends = append(d.text, value...), append(d.ends, uint32(len(d.text)+len(value)))
	d.slots[at] = slot{hash, uint32(len(d.ends))}
	if 2*len(d.ends) >= len(d.slots) {
		d.grow()
	}
	return len(d.ends) - 1
}

func (d *dictionary) grow() {
	old := d.slots
	d.slots = make([]slot, 2*len(old))
	mask := len(d.slots) - 1
	for _, s := range old {
		if s.next == 0 {
			continue
		}
		at := int(s.hash) & mask
		for d.slots[at].next != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = s
	}
}
