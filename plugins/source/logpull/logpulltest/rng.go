package logpulltest

import "math"

// rng is splitmix64: eight bytes of state, so that every minute and every
// record can have a stream of its own, which is what makes a window's records
// independent of the order in which windows are asked for.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

// below returns a number in [0, n).
func (r *rng) below(n int) int { return int(r.next() >> 32 * uint64(n) >> 32) }

// between returns a number in [lo, hi].
func (r *rng) between(lo, hi int) int { return lo + r.below(hi-lo+1) }

// unit returns a number in [0, 1).
func (r *rng) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// chance is true in one of n cases.
func (r *rng) chance(n int) bool { return r.below(n) == 0 }

// poisson draws a count with this mean: exactly for a quiet minute, so that
// small zones get empty windows, by the normal law for a busy one.
func (r *rng) poisson(mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean < 30 {
		n, p, limit := 0, r.unit(), math.Exp(-mean)
		for p > limit {
			n++
			p *= r.unit()
		}
		return n
	}
	z := -6.0
	for range 12 {
		z += r.unit()
	}
	return max(0, int(mean+z*math.Sqrt(mean)+0.5))
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hashOf folds values into one well mixed number.
func hashOf(values ...uint64) uint64 {
	h := uint64(0x243f6a8885a308d3)
	for _, v := range values {
		h = mix(h ^ mix(v+0x9e3779b97f4a7c15))
	}
	return h
}

func hashString(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return mix(h)
}

// zipf draws ranks with probability proportional to 1/(rank+1)^s in constant
// time, by Vose's alias method.
type zipf struct {
	keep  []uint32 // keep the drawn rank below this, else take its alias
	alias []uint32
}

func newZipf(n int, s float64) *zipf {
	weights := make([]float64, n)
	sum := 0.0
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -s)
		sum += weights[i]
	}
	z := &zipf{keep: make([]uint32, n), alias: make([]uint32, n)}
	var small, large []int
	for i := range weights {
		weights[i] *= float64(n) / sum
		if weights[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		lo, hi := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		z.keep[lo], z.alias[lo] = uint32(weights[lo]*math.MaxUint32), uint32(hi)
		weights[hi] -= 1 - weights[lo]
		if weights[hi] < 1 {
			large = large[:len(large)-1]
			small = append(small, hi)
		}
	}
	for _, i := range append(small, large...) {
		z.keep[i], z.alias[i] = math.MaxUint32, uint32(i)
	}
	return z
}

func (z *zipf) draw(r *rng) int {
	i := r.below(len(z.keep))
	if uint32(r.next()) <= z.keep[i] {
		return i
	}
	return int(z.alias[i])
}
