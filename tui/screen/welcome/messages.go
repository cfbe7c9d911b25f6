package welcome

type (
	// begin is sent when a person has said yes.
	begin struct {
		demo bool
		dir  string
	}
	// told is a line of what is being done.
	told struct {
		job  int
		line string
	}
	// made is how it ended.
	made struct {
		job  int
		made Made
		err  error
	}
)
