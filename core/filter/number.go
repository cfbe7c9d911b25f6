package filter

import (
	"bytes"
	"cmp"
)

// number is a decimal number, exactly: ±0.DIGITS × 10^point, without zeros at
// either end of the digits. Zero has none. 19 digits do not survive a float.
type number struct {
	negative bool
	digits   []byte
	point    int64
}

// maxExponent keeps point within an int64; nothing that is measured comes near it.
const maxExponent = 1 << 40

// parseNumber reads a number as JSON writes it (RFC 8259, section 6), leading
// zeros allowed.
func parseNumber(b []byte) (n number, ok bool) {
	n.negative = len(b) > 0 && b[0] == '-'
	if n.negative {
		b = b[1:]
	}
	whole := digits(b)
	b = b[len(whole):]
	var fraction []byte
	if len(b) > 0 && b[0] == '.' {
		if fraction = digits(b[1:]); len(fraction) == 0 {
			return number{}, false
		}
		b = b[1+len(fraction):]
	}
	exponent, ok := parseExponent(b)
	if len(whole) == 0 || !ok {
		return number{}, false
	}
	n.digits, n.point = whole, int64(len(whole))+exponent
	if len(fraction) > 0 {
		n.digits = append(whole[:len(whole):len(whole)], fraction...)
	}
	for len(n.digits) > 0 && n.digits[0] == '0' {
		n.digits, n.point = n.digits[1:], n.point-1
	}
	n.digits = bytes.TrimRight(n.digits, "0")
	if len(n.digits) == 0 {
		return number{}, true
	}
	return n, true
}

func digits(b []byte) []byte {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return b[:n]
}

// parseExponent reads nothing, or an exponent and nothing behind it. One beyond
// maxExponent is cut to it.
func parseExponent(b []byte) (e int64, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != 'e' && b[0] != 'E' {
		return 0, false
	}
	b = b[1:]
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 || len(digits(b)) != len(b) {
		return 0, false
	}
	for _, c := range b {
		e = min(10*e+int64(c-'0'), maxExponent)
	}
	if negative {
		return -e, true
	}
	return e, true
}

func (n number) compare(o number) int {
	if a, b := n.sign(), o.sign(); a != b || a == 0 {
		return cmp.Compare(a, b)
	}
	order := cmp.Compare(n.point, o.point)
	if order == 0 {
		order = bytes.Compare(n.digits, o.digits)
	}
	if n.negative {
		return -order
	}
	return order
}

func (n number) sign() int {
	switch {
	case len(n.digits) == 0:
		return 0
	case n.negative:
		return -1
	}
	return 1
}
