package evidence

// EventClock reads a line's event time exactly as Meter does, for a reader that
// selects lines by the bounds that Meter sealed.
type EventClock struct {
	time       member
	timestamps string
}

// NewEventClock takes the same member and form as MeterConfig.
func NewEventClock(timeField, timestamps string) EventClock {
	return EventClock{newMember(timeField), timestamps}
}

// Read returns the event time of a line (without its line feed) in
// nanoseconds since the epoch, or false where Meter counts it as untimed.
func (c EventClock) Read(line []byte) (int64, bool) {
	return eventTime(c.time.find(line[:min(len(line), maxScan)]), c.timestamps)
}
