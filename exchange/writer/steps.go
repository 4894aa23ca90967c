package writer

// What lets a simulation be the writer's goroutine, step by step. The writer must not run.

// Next waits for the next operation that a caller queues.
func (w *Writer) Next() *Operation { return <-w.queue }

// NextBefore is Next, or nil where the caller is done without having queued one.
func (w *Writer) NextBefore(done <-chan struct{}) *Operation {
	select {
	case o := <-w.queue:
		return o
	case <-done:
		return nil
	}
}

// Together runs operations as Run does what it has drained.
func (w *Writer) Together(ops []*Operation) error { return w.batch(ops) }

// FillWriteBehind fills the queue of operations that may wait.
func (w *Writer) FillWriteBehind() {
	for w.WriteBehind(func(*Batch) error { return nil }, nil) {
	}
}
