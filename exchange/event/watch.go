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

	mu        sync.Mutex // guards the three below
	next      int        // key of the next watcher
	list      map[int]chan Event
	followers map[int]chan Told

	collected collected
}

// Told is an event and its place in the log; the zero ID of an event that the log does not keep.
type Told struct {
	ID    ID
	Event Event
}

// NewWatchers makes the watchers of one shop. With atOnce every event is handed out at once,
// for simulations.
func NewWatchers(clock exchange.Clock, atOnce bool) *Watchers {
	return &Watchers{clock: clock, atOnce: atOnce, list: make(map[int]chan Event), followers: make(map[int]chan Told)}
}

// Watch returns a channel of the events from now on, and a function that ends the watch. A
// watcher that is Buffer events behind loses the oldest event.
func (w *Watchers) Watch() (<-chan Event, func()) { return join(w, w.list) }

// follow is Watch with each event's place in the log.
func (w *Watchers) follow() (<-chan Told, func()) { return join(w, w.followers) }

func join[T any](w *Watchers, list map[int]chan T) (<-chan T, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.next
	w.next++
	ch := make(chan T, Buffer)
	list[id] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(list, id)
	}
}

// Notify hands an event that the log does not keep to every watcher. It never blocks: of a full
// watcher it drops the oldest event.
func (w *Watchers) Notify(e Event) { w.tell(Told{Event: e}) }

func (w *Watchers) tell(t Told) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.list {
		push(ch, t.Event)
	}
	for _, ch := range w.followers {
		push(ch, t)
	}
}

// push sends v; of a full channel it drops the oldest value.
func push[T any](ch chan T, v T) {
	for {
		select {
		case ch <- v:
			return
		default:
		}
		select {
		case <-ch:
		default:
		}
	}
}
