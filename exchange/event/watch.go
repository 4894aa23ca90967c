package event

import (
	"sync"

	"github.com/souk-market/souk/exchange"
)

// Buffer is how far a watcher may fall behind, in events.
const Buffer = 256

// Watchers hands out events. Its methods are safe for concurrent use.
type Watchers struct {
	clock  exchange.Clock
	atOnce bool

	mu   sync.Mutex // guards next and list
	next int        // key of the next watcher in list
	list map[int]chan Event

	collected collected
}

// NewWatchers makes the watchers of one shop. With atOnce every event is handed out at once,
// for simulations.
func NewWatchers(clock exchange.Clock, atOnce bool) *Watchers {
	return &Watchers{clock: clock, atOnce: atOnce, list: make(map[int]chan Event)}
}

// Watch returns a channel of the events from now on, and a function that ends the watch. A
// watcher that is Buffer events behind loses the oldest event.
func (w *Watchers) Watch() (<-chan Event, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.next
	w.next++
	ch := make(chan Event, Buffer)
	w.list[id] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.list, id)
	}
}

// Notify hands an event to every watcher. It never blocks: of a full watcher it drops the
// oldest event.
func (w *Watchers) Notify(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.list {
		for {
			select {
			case ch <- e:
			default:
				select {
				case <-ch:
				default:
				}
				continue
			}
			break
		}
	}
}
