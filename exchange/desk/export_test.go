package desk

// Operation is what a caller has queued.
type Operation = operation

// Next waits for the next operation that a caller queues, at a desk that does not run.
func (d *Desk) Next() *Operation { return <-d.writer.queue }

// NextBefore is Next, or nil where the caller is done without having queued one.
func (d *Desk) NextBefore(done <-chan struct{}) *Operation {
	select {
	case o := <-d.writer.queue:
		return o
	case <-done:
		return nil
	}
}

// Together runs operations as the writer does what it has drained.
func (d *Desk) Together(ops []*Operation) error { return d.writer.batch(ops) }

// Recent counts the reservations that wait in memory for their commit.
func (d *Desk) Recent() int {
	d.recent.mu.Lock()
	defer d.recent.mu.Unlock()
	return len(d.recent.of)
}

// FillLater fills the queue of operations that may wait.
func (d *Desk) FillLater() {
	for d.later(func(*batch) error { return nil }, nil) {
	}
}
