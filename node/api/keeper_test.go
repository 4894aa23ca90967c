package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/store"
)

// movedClock is a clock that a test moves.
type movedClock struct{ now exchange.Time }

func (c *movedClock) Now() exchange.Time { return c.now }

// kept is a keeper on a store, and what a handler under it does.
type keptWorld struct {
	t     *testing.T
	mem   *store.Mem
	clock *movedClock
	keys  *keeper
	runs  int
	do    func(w http.ResponseWriter) // nil: 200 and the count of runs
	fatal error
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
	var err error
	if w.keys, err = newKeeper(w.mem, w.clock, strings.Repeat("A", 43)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *keptWorld) ask(mode keyMode, key, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/x", nil)
	p := w.keys.serve(rec, r, key, []byte(body), &route{key: mode}, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.runs++
		if w.do != nil {
			w.do(rw)
			return
		}
		fmt.Fprintf(rw, "run %d", w.runs)
	}), func(err error) { w.fatal = err })
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

// TestKeyCrash: a request that was begun and never answered is not run again, and
// says so.
func TestKeyCrash(t *testing.T) {
	w := newKeptWorld(t)
	w.do = func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	func() {
		defer func() { _ = recover() }()
		w.ask(keyOnce, "k", "")
	}()
	w.restart()
	w.do = nil
	rec := w.ask(keyOnce, "k", "")
	w.want("after the crash", rec, http.StatusConflict, 1)
	if !strings.Contains(rec.Body.String(), "unknown") {
		t.Errorf("it says %s", rec.Body)
	}
	w.want("another key", w.ask(keyOnce, "l", ""), 200, 2)
}

// TestKeyAnswers: final answers are kept, answers that invite to try again are not.
func TestKeyAnswers(t *testing.T) {
	for status, kept := range map[int]bool{200: true, 201: true, 202: true, 403: true, 409: true, 410: true, 400: false, 404: false, 415: false, 422: false, 408: false, 429: false, 500: false, 503: false, 507: false} {
		w := newKeptWorld(t)
		w.do = func(rw http.ResponseWriter) { rw.WriteHeader(status) }
		w.want("first", w.ask(keyOnce, "k", "a"), status, 1)
		w.restart()
		runs := 2
		if kept {
			runs = 1
		}
		w.want(fmt.Sprintf("%d again", status), w.ask(keyOnce, "k", "a"), status, runs)
	}
	w := newKeptWorld(t)
	w.do = func(rw http.ResponseWriter) { rw.Write(make([]byte, maxKeptBody+1)) }
	w.want("a long answer", w.ask(keyOnce, "k", ""), 200, 1)
	w.want("a long answer again", w.ask(keyOnce, "k", ""), http.StatusConflict, 1)
	w.do = nil
	w.want("run again", w.ask(keyAgain, "l", ""), 200, 2)
	w.want("run again, twice", w.ask(keyAgain, "l", ""), 200, 3)
	w.want("run again, other request", w.ask(keyAgain, "l", "b"), http.StatusConflict, 3)
}

// TestKeyStoreFails: a full disk refuses before anything is done; a commit of
// unknown outcome ends the process.
func TestKeyStoreFails(t *testing.T) {
	w := newKeptWorld(t)
	w.mem.FailNext(store.FaultRefuse)
	w.want("a full disk", w.ask(keyOnce, "k", ""), http.StatusInsufficientStorage, 0)
	w.do = func(rw http.ResponseWriter) {
		w.mem.FailNext(store.FaultRefuse)
		rw.WriteHeader(200)
	}
	w.want("full when done", w.ask(keyOnce, "l", ""), 200, 1)
	if w.fatal != nil {
		t.Errorf("a refusal ends the process: %v", w.fatal)
	}
	w.do = nil
	w.want("full when done, again", w.ask(keyOnce, "l", ""), http.StatusConflict, 1)
	w.mem.FailNext(store.FaultAfter)
	w.want("unknown", w.ask(keyOnce, "m", ""), http.StatusInternalServerError, 1)
	if w.fatal == nil {
		t.Error("a commit of unknown outcome goes unnoticed")
	}
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

// TestHoldKeyAge: a reservation's key is a new wish a day later, whatever is asked then.
func TestHoldKeyAge(t *testing.T) {
	w := newKeptWorld(t)
	ask := func(body string) (found bool, status int) {
		rec, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/x", nil)
		p := w.keys.serve(rec, r, "k", []byte(body), &route{key: keyHold}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			h := holdOf(r.Context())
			found, h.id = !h.id.IsZero(), exchange.HoldID{1}
		}), nil)
		if p != nil {
			return false, p.Status
		}
		return found, rec.Code
	}
	ask("a")
	w.clock.now = w.clock.now.Add(keepFor)
	if found, status := ask("a"); !found || status != 200 {
		t.Errorf("after a day: %d, found %v", status, found)
	}
	w.clock.now = w.clock.now.Add(time.Millisecond)
	if found, status := ask("b"); found || status != 200 {
		t.Errorf("a moment later, another request: %d, found %v", status, found)
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
