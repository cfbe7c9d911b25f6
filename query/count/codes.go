package count

import (
	"encoding/binary"
	"errors"
	"math"
)

// errPage: a page is not what the format says.
var errPage = errors.New("malformed page of columns")

// hybrid reads numbers of so many bits as Parquet writes dictionary indices and levels: runs of one number, and groups of
// eight packed ones. It fills out with each number plus base, and returns the highest number.
func hybrid(src []byte, width uint, base uint32, out []uint32) (highest uint32, err error) {
	if width > 32 {
		return 0, errPage
	}
	for len(out) > 0 {
		head, n := binary.Uvarint(src)
		if n <= 0 || head>>1 == 0 {
			return 0, errPage
		}
		src = src[n:]
		var most uint32
		var used, filled int
		if head&1 == 0 {
			filled = int(min(head>>1, uint64(len(out))))
			most, used, err = repeated(src, width, base, out[:filled])
		} else {
			filled = int(min(head>>1, uint64(len(out)+7)/8)) * 8 // the last group may be filled up
			most, used, err = packed(src, width, base, out[:min(filled, len(out))])
			used = min(max(used, int(min(head>>1, math.MaxInt32))*int(width)), len(src))
		}
		if err != nil {
			return 0, err
		}
		highest = max(highest, most)
		src, out = src[used:], out[min(filled, len(out)):]
	}
	return highest, nil
}

// repeated reads a run of one number.
func repeated(src []byte, width uint, base uint32, out []uint32) (v uint32, used int, err error) {
	used = int(width+7) / 8
	if len(src) < used {
		return 0, 0, errPage
	}
	for i := range used {
		v |= uint32(src[i]) << (8 * i)
	}
	for i := range out {
		out[i] = v + base
	}
	return v, used, nil
}

// packed reads numbers that lie bit by bit behind one another.
func packed(src []byte, width uint, base uint32, out []uint32) (highest uint32, used int, err error) {
	used = (len(out)*int(width) + 7) / 8
	if len(src) < used {
		return 0, 0, errPage
	}
	mask, i := uint64(1)<<width-1, 0
	if width <= 15 { // eight of them are whole bytes, and half of these fit into a word
		second, shift := 4*width>>3, 4*width&7
		for at := uint(0); i+8 <= len(out) && int(at+second)+8 <= len(src); i, at = i+8, at+width {
			a, b := binary.LittleEndian.Uint64(src[at:]), binary.LittleEndian.Uint64(src[at+second:])>>shift
			to := (*[8]uint32)(out[i:])
			for k := range 4 {
				v, w := uint32(a&mask), uint32(b&mask)
				highest = max(highest, v, w)
				to[k], to[k+4] = v+base, w+base
				a, b = a>>width, b>>width
			}
		}
	}
	bit := uint(i) * width
	for ; i < len(out) && int(bit>>3)+8 <= len(src); i++ {
		v := uint32(binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7) & mask)
		highest = max(highest, v)
		out[i] = v + base
		bit += width
	}
	var tail [16]byte // the last bytes, with some behind them
	if i < len(out) {
		from := bit >> 3
		copy(tail[:], src[from:])
		for bit -= from << 3; i < len(out); i++ {
			v := uint32(binary.LittleEndian.Uint64(tail[bit>>3:]) >> (bit & 7) & mask)
			highest = max(highest, v)
			out[i] = v + base
			bit += width
		}
	}
	return highest, used, nil
}

// ones reports whether levels are one run of ones, as they are where each row has a value.
func ones(src []byte, rows int) bool {
	head, n := binary.Uvarint(src)
	return n > 0 && head&1 == 0 && head>>1 >= uint64(rows) && len(src) == n+1 && src[n] == 1
}
