package duckdb

// AwaitSpare waits until the next request's instance is there.
func AwaitSpare(e *Engine) {
	e.spare.mu.Lock()
	coming := e.spare.coming
	e.spare.mu.Unlock()
	if coming != nil {
		<-coming
	}
}
