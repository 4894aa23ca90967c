package writer

// LaterDelay is how long an operation of Later waits for company.
const LaterDelay = laterDelay

// NextLater waits for the next operation that a caller of Later queues.
func (w *Writer) NextLater() *Operation { return <-w.idle }
