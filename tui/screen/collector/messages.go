package collector

// The answers. Each carries the number of its question.
type (
	looked struct {
		question int
		standing Standing
		err      error
	}
	plugged struct {
		question int
		plugins  []Plugin
		err      error
	}
	checked struct {
		question int
		checks   []Check
		err      error
	}
	logRead struct {
		question int
		lines    []LogLine
		from     string
		err      error
	}
	done struct {
		question int
		said     string
		err      error
	}
	pulled struct {
		question int
		zone     string
		said     string
		err      error
	}
	// confirmed is an order, or a pull, after a person's yes.
	confirmed struct {
		order Order
		pull  bool
		name  string
	}
	tick struct{ question int }
)
