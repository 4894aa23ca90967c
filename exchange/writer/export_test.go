package writer

// WriteBehindDelay is how long an operation of WriteBehind waits for company.
const WriteBehindDelay = writeBehindDelay

// NextWriteBehind waits for the next operation that a caller of WriteBehind queues.
func (w *Writer) NextWriteBehind() *Operation { return <-w.idle }
