package chain

// The answers. Each carries the number of its question.
type (
	listed struct {
		question int
		chains   []Chain
		err      error
	}
	opened struct {
		question int
		book     Book
		err      error
	}
	filled struct {
		question int
		first    int64
		rows     []Row
		err      error
	}
	shown struct {
		question int
		entry    Entry
		err      error
	}
	verified struct {
		question int
		job      Job
		verdict  Verdict
		err      error
	}
)
