package wake

// Signal wakes one goroutine. Copies are the same signal, and all methods are safe for
// concurrent use. The zero Signal cannot be set and never wakes; make one with [New].
type Signal struct {
	c chan struct{} // capacity 1: full = set
}

// New returns a signal that is not set.
func New() Signal { return Signal{make(chan struct{}, 1)} }

// Set wakes the receiver of C now or, where nobody receives, the next one. It never blocks.
// What the caller did before Set, the woken goroutine sees, also where the signal was set already.
func (s Signal) Set() {
	select {
	case s.c <- struct{}{}:
	default:
	}
}

// C delivers once for all Sets since it delivered last. It is never closed.
func (s Signal) C() <-chan struct{} { return s.c }
