package settings

// loaded is an answer to a question.
type loaded struct {
	question int
	archive  Archive
	err      error
}
