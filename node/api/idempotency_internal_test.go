package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/store"
)

// movedClock is a clock that a test moves.
type movedClock struct{ now exchange.Time }

func (c *movedClock) Now() exchange.Time { return c.now }

// keptWorld is an idempotency on a store with its writer, and a handler under it whose act leaves
// one row.
type keptWorld struct {
	t       *testing.T
	mem     *store.Mem
	clock   *movedClock
	changes *writer.Writer
	keys    *idempotency
	runs    int
	do      func(w http.ResponseWriter, r *http.Request) // nil: 200 and the count of runs
}

func newKeptWorld(t *testing.T) *keptWorld {
	w := &keptWorld{t: t, mem: store.Memory(), clock: &movedClock{1_790_000_000_000}}
	w.restart()
	return w
}

// restart is a crash: only what was committed is left.
func (w *keptWorld) restart() {
	w.t.Helper()
	w.mem = w.mem.Clone()
	w.changes = writer.New(writer.Config{
		Store: w.mem, Clock: w.clock, Limits: kv.DefaultLimits, Inline: true,
		Stamp: func(*writer.Batch) error { return nil }, Apply: func(exchange.Time, writer.Effect) {},
	})
	var err error
	if w.keys, err = newIdempotency(w.mem, w.changes, w.clock, strings.Repeat("A", 43)); err != nil {
		w.t.Fatal(err)
	}
}

// act leaves a row named what, as an owner's act does under a request's key.
func (w *keptWorld) act(r *http.Request, what string) error {
	return w.changes.Act(r.Context(), w.leave(what))
}

func (w *keptWorld) leave(what string) func(b *writer.Batch) error {
	return func(b *writer.Batch) error {
		k := []byte("done/" + what)
		_, ok, err := b.Get(k)
		if ok {
			w.t.Errorf("%s is done twice", what)
		}
		b.Put(k, nil)
		return err
	}
}

// done reports whether an act's row is there.
func (w *keptWorld) done(what string) bool {
	_, ok, err := w.mem.Get([]byte("done/" + what))
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

func (w *keptWorld) ask(mode keyMode, key, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/x", nil)
	p := w.keys.serve(rec, r, key, []byte(body), &route{key: mode}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.runs++
		if w.do != nil {
			w.do(rw, r)
			return
		}
		fmt.Fprintf(rw, "run %d", w.runs)
	}))
	if p != nil {
		writeProblem(rec, p)
	}
	return rec
}

func (w *keptWorld) want(what string, rec *httptest.ResponseRecorder, status, runs int) {
	w.t.Helper()
	if rec.Code != status || w.runs != runs {
		w.t.Errorf("%s: %d %s, %d runs; want %d, %d runs", what, rec.Code, rec.Body, w.runs, status, runs)
	}
}

// TestKeyActsTogether: acts that are done in one commit are done once, and all or none. Where
// the version before, which gave each a commit of its own, crashed after the first, a repeat
// does the others alone.
func TestKeyActsTogether(t *testing.T) {
	for before := range 3 {
		t.Run(fmt.Sprintf("%d done before", before), func(t *testing.T) {
			w := newKeptWorld(t)
			crash := func(acts func(*http.Request)) {
				w.do = func(_ http.ResponseWriter, r *http.Request) {
					acts(r)
					panic(http.ErrAbortHandler)
				}
				func() {
					defer func() { _ = recover() }()
					w.ask(keyOnce, "k", "")
				}()
				w.restart()
			}
			crash(func(r *http.Request) {
				for n := range before {
					if err := w.act(r, fmt.Sprint(n)); err != nil {
						t.Error(err)
					}
				}
			})
			fails := exchange.Errorf(exchange.CodeLimit, "not now")
			crash(func(r *http.Request) {
				want := fails
				if before == 2 { // nothing is left to fail
					want = nil
				}
				err := w.changes.Acts(r.Context(), w.leave("0"), func(*writer.Batch) error { return fails })
				if errors.Is(err, writer.ErrDone) {
					err = nil
				}
				if exchange.CodeOf(err) != exchange.CodeOf(orNil(want)) {
					t.Errorf("%v, want %v", err, want)
				}
			})
			if w.done("0") != (before > 0) {
				t.Errorf("the first act is done %v though the second failed", w.done("0"))
			}
			for range 2 {
				crash(func(r *http.Request) {
					if err := w.changes.Acts(r.Context(), w.leave("0"), w.leave("1")); err != nil && !errors.Is(err, writer.ErrDone) {
						t.Error(err)
					}
				})
			}
			if !w.done("0") || !w.done("1") {
				t.Error("not all is done")
			}
		})
	}
}

func orNil(e *exchange.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// TestKeyCrash: of a request that was done and never answered a repeat does nothing more and
// tells what stands; each of several acts is done once, wherever the crash came between them.
// The answer is a replayed one only where the repeat had nothing left to do.
func TestKeyCrash(t *testing.T) {
	for crash := range 4 {
		t.Run(fmt.Sprintf("after act %d", crash), func(t *testing.T) {
			w := newKeptWorld(t)
			acts := func(stop int) func(http.ResponseWriter, *http.Request) {
				return func(rw http.ResponseWriter, r *http.Request) {
					for n := 1; n <= 3; n++ {
						if n > stop {
							panic(http.ErrAbortHandler)
						}
						if err := w.act(r, fmt.Sprint(n)); err != nil && !errors.Is(err, writer.ErrDone) {
							t.Error(err)
						}
					}
					if stop == 3 {
						panic(http.ErrAbortHandler)
					}
					fmt.Fprint(rw, "all done")
				}
			}
			w.do = acts(crash)
			func() {
				defer func() { _ = recover() }()
				w.ask(keyOnce, "k", "")
			}()
			w.restart()
			w.do = nil
			w.want("another request under the key", w.ask(keyOnce, "k", "other"), map[bool]int{true: http.StatusConflict, false: 200}[crash > 0], 2-min(crash, 1))
			if crash == 0 {
				return // nothing was done, and the key is as good as new
			}
			w.do = acts(4)
			rec := w.ask(keyOnce, "k", "")
			w.want("after the crash", rec, 200, 2)
			if rec.Body.String() != "all done" || (rec.Header().Get(replayedHeader) == "true") != (crash == 3) || !w.done("1") || !w.done("2") || !w.done("3") {
				t.Errorf("it says %s, %v", rec.Body, rec.Header())
			}
			rec = w.ask(keyOnce, "k", "")
			w.want("once more", rec, 200, 2)
			if rec.Header().Get(replayedHeader) != "true" {
				t.Errorf("the kept answer has %v", rec.Header())
			}
		})
	}
}

// TestKeyCrashThenRefused: the first of two acts was done before a crash, and the second is
// refused now: that is no answer to the earlier request, so it does not say replayed.
func TestKeyCrashThenRefused(t *testing.T) {
	w := newKeptWorld(t)
	w.do = func(rw http.ResponseWriter, r *http.Request) {
		if err := w.act(r, "1"); err != nil && !errors.Is(err, writer.ErrDone) {
			t.Error(err)
		}
		if w.runs == 1 {
			panic(http.ErrAbortHandler)
		}
		err := w.changes.Act(r.Context(), func(*writer.Batch) error {
			return exchange.Errorf(exchange.CodeConflict, "no longer")
		})
		writeProblem(rw, problemOf(err))
	}
	func() {
		defer func() { _ = recover() }()
		w.ask(keyOnce, "k", "")
	}()
	w.restart()
	rec := w.ask(keyOnce, "k", "")
	w.want("the second act is refused", rec, http.StatusConflict, 2)
	if got := rec.Header().Get(replayedHeader); got != "" {
		t.Errorf("it says replayed: %q", got)
	}
}

// TestKeyOfTheVersionBefore: that version recorded a key before and after what it did; one
// that was begun and never answered is not run again, and says so. An answered one is given.
func TestKeyOfTheVersionBefore(t *testing.T) {
	w := newKeptWorld(t)
	for key, status := range map[string]int{"begun": 0, "done": 201} {
		id := w.keys.idOf(key)
		kept := &keptKey{ID: id, Request: [32]byte(digest(w.keys.secret, "request", http.MethodPost, "/x", "", "")), At: w.clock.now, Status: status, Body: []byte("made")}
		rows, err := kept.rows()
		if err == nil {
			err = w.mem.Commit(rows)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rec := w.ask(keyOnce, "begun", "")
	w.want("begun", rec, http.StatusConflict, 0)
	if !strings.Contains(rec.Body.String(), "unknown") {
		t.Errorf("it says %s", rec.Body)
	}
	w.want("done", w.ask(keyOnce, "done", ""), 201, 0)
	w.want("another key", w.ask(keyOnce, "new", ""), 200, 1)
}

// TestKeyAnswers: final answers are kept, answers that invite to try again are not.
func TestKeyAnswers(t *testing.T) {
	for status, kept := range map[int]bool{200: true, 201: true, 202: true, 403: true, 409: true, 410: true, 400: false, 404: false, 415: false, 422: false, 408: false, 429: false, 500: false, 503: false, 507: false} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := newKeptWorld(t)
			w.do = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) }
			w.want("first", w.ask(keyOnce, "k", "a"), status, 1)
			w.restart()
			runs := 2
			if kept {
				runs = 1
			}
			w.want("again", w.ask(keyOnce, "k", "a"), status, runs)
		})
	}
	w := newKeptWorld(t)
	w.do = func(rw http.ResponseWriter, _ *http.Request) { rw.Write(make([]byte, maxKeptBody+1)) }
	w.want("a long answer", w.ask(keyOnce, "k", ""), 200, 1)
	w.want("a long answer again", w.ask(keyOnce, "k", ""), http.StatusConflict, 1)
	w.do = nil
	w.want("run again", w.ask(keyAgain, "l", ""), 200, 2)
	w.want("run again, twice", w.ask(keyAgain, "l", ""), 200, 3)
	w.want("run again, other request", w.ask(keyAgain, "l", "b"), http.StatusConflict, 3)
}

// TestKeyStoreFails: where the disk is full nothing is done and the key is as good as new;
// where it is full for the answer alone, what was done is told.
func TestKeyStoreFails(t *testing.T) {
	w := newKeptWorld(t)
	w.do = func(rw http.ResponseWriter, r *http.Request) {
		if err := w.act(r, "k"); err != nil {
			writeProblem(rw, problemOf(err))
		}
	}
	w.mem.FailNext(store.FaultRefuse)
	w.want("a full disk", w.ask(keyOnce, "k", ""), http.StatusInsufficientStorage, 1)
	w.want("room again", w.ask(keyOnce, "k", ""), 200, 2)
	w.do = func(rw http.ResponseWriter, r *http.Request) {
		if err := w.act(r, "l"); err != nil && !errors.Is(err, writer.ErrDone) {
			t.Error(err)
		}
		w.mem.FailNext(store.FaultRefuse)
		rw.WriteHeader(200)
	}
	w.want("full when done", w.ask(keyOnce, "l", ""), 200, 3)
	w.restart()
	w.want("full when done, again", w.ask(keyOnce, "l", ""), 200, 4)
}

// TestKeyAge: keys are kept a day, then may be used anew, and leave nothing behind.
func TestKeyAge(t *testing.T) {
	w := newKeptWorld(t)
	w.want("first", w.ask(keyOnce, "k", "a"), 200, 1)
	w.clock.now = w.clock.now.Add(keepFor)
	w.want("after a day", w.ask(keyOnce, "k", "a"), 200, 1)
	w.clock.now = w.clock.now.Add(time.Millisecond)
	w.want("a moment later", w.ask(keyOnce, "k", "b"), 200, 2)
	if err := w.keys.prune(); err != nil {
		t.Fatal(err)
	}
	w.want("the new one is not pruned with the old", w.ask(keyOnce, "k", "b"), 200, 2)
	for i := range 2*pruneChunk + 10 {
		w.ask(keyAgain, fmt.Sprint("n", i), "")
	}
	w.restart()
	if n := w.keys.kept.Load(); n != 2*pruneChunk+11 {
		t.Errorf("%d keys are counted", n)
	}
	w.clock.now = w.clock.now.Add(2 * keepFor)
	if err := w.keys.prune(); err != nil || w.mem.Len() != 0 || w.keys.kept.Load() != 0 {
		t.Errorf("%d entries are left, %d counted: %v", w.mem.Len(), w.keys.kept.Load(), err)
	}
}

// TestHoldKeyAge: a reservation's key is a new wish a day later, whatever is asked then, or at
// once where nothing was asked of a supplier.
func TestHoldKeyAge(t *testing.T) {
	w := newKeptWorld(t)
	w.want("first", w.ask(keyHold, "k", "a"), 200, 1)
	w.clock.now = w.clock.now.Add(keepFor)
	w.want("after a day", w.ask(keyHold, "k", "a"), 200, 2)
	w.want("after a day, another request", w.ask(keyHold, "k", "b"), http.StatusConflict, 2)
	w.clock.now = w.clock.now.Add(time.Millisecond)
	w.want("a moment later, another request", w.ask(keyHold, "k", "b"), 200, 3)
	w.keys.forgetHold("k")
	w.want("nothing was asked", w.ask(keyHold, "k", "c"), 200, 4)
	if w.keys.reservationKey("k", exchange.ShopID{1}) == w.keys.reservationKey("k", exchange.ShopID{2}) || w.keys.reservationKey("", exchange.ShopID{1}) != (trade.ReservationKey{}) {
		t.Error("a key decides the same at every supplier, or none decides something")
	}
}

// TestKeyTooMany: the oldest go first.
func TestKeyTooMany(t *testing.T) {
	w := newKeptWorld(t)
	for i := range 10 {
		w.clock.now++
		w.ask(keyAgain, fmt.Sprint(i), "")
	}
	w.keys.kept.Store(maxKept + 4)
	if err := w.keys.prune(); err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := w.mem.Scan(kv.Prefix([]byte(prefixKept)), func(_, _ []byte) bool { left++; return true }); err != nil || left != 6 {
		t.Errorf("%d keys are left, want 6: %v", left, err)
	}
	w.want("the oldest is forgotten", w.ask(keyAgain, "0", "other"), 200, 11)
	w.want("the newest is not", w.ask(keyAgain, "9", "other"), http.StatusConflict, 11)
}
