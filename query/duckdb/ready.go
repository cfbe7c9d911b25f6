package duckdb

// Ready waits until the next request's instance is there, as it is when nobody
// has asked for some milliseconds.
func (e *Engine) Ready() {
	e.spare.mu.Lock()
	coming := e.spare.coming
	e.spare.mu.Unlock()
	if coming != nil {
		<-coming
	}
}
