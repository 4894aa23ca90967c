package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

const (
	// busyPause is the first pause after the answer busy; it doubles up to busyTries times.
	busyPause = 2 * time.Millisecond
	busyTries = 8
	// lastSeq numbers the part with which a case gives back what it took.
	lastSeq = 1 << 30
)

// partner is the shop that asks: it need not exist.
var partner = exchange.ShopID{31: 1}

// trial is a case under way. Its methods end the case with an error by panicking with failed;
// only the case's own goroutine calls those.
type trial struct {
	Target
	ctx     context.Context
	fillers map[exchange.SKU]exchange.HoldID // what takes units aside that a case has no use for

	mu  sync.Mutex
	ids []exchange.HoldID // given back at the end
}

type failed struct{ err error }

// try runs a part of a case.
func (t *trial) try(run func(*trial)) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failed:
			err = p.err
		default:
			panic(p)
		}
	}()
	run(t)
	return nil
}

func (t *trial) failf(format string, args ...any) { panic(failed{fmt.Errorf(format, args...)}) }

func (t *trial) must(err error) {
	if err != nil {
		panic(failed{err})
	}
}

// id is a new ID, of which everything is given back at the end of the case.
func (t *trial) id() exchange.HoldID {
	var random [12]byte
	rand.Read(random[:])
	id := exchange.NewHoldID(exchange.Window(time.Now().Unix()/86400), random)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ids = append(t.ids, id)
	return id
}

func lines(sku exchange.SKU, units int64, more ...bridge.Line) []bridge.Line {
	return append([]bridge.Line{{SKU: sku, Units: units}}, more...)
}

// ask is an ask that ends at the node in half an hour.
func ask(id exchange.HoldID, l []bridge.Line) bridge.Ask {
	return bridge.Ask{ID: id, Partner: partner, Lines: l, Expires: exchange.TimeOf(time.Now().Add(30 * time.Minute))}
}

// answered calls until no answer is busy, and checks that there is one for each ID.
func answered[E any](ctx context.Context, call func(context.Context, []E) ([]bridge.Answer, error), id func(E) exchange.HoldID, list ...E) ([]bridge.Answer, error) {
	done := make([]bridge.Answer, 0, len(list))
	for try := 0; ; try++ {
		var ids []exchange.HoldID
		for _, e := range list {
			ids = append(ids, id(e))
		}
		answers, err := call(ctx, list)
		if err != nil {
			return nil, err
		}
		if err := bridge.CheckAnswers(ids, answers); err != nil {
			return nil, err
		}
		var busy []E
		for _, a := range answers {
			if a.Problem != bridge.Busy || try == busyTries {
				done = append(done, a)
				continue
			}
			busy = append(busy, list[slices.Index(ids, a.ID)])
		}
		if list = busy; len(list) == 0 {
			return done, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(busyPause << try):
		}
	}
}

func (t *trial) holdAt(b bridge.Bridge, a bridge.Ask) (bridge.Answer, error) {
	return one(answered(t.ctx, b.Hold, func(a bridge.Ask) exchange.HoldID { return a.ID }, a))
}

func (t *trial) commitAt(b bridge.Bridge, id exchange.HoldID) (bridge.Answer, error) {
	return one(answered(t.ctx, b.Commit, func(r bridge.Ref) exchange.HoldID { return r.ID }, bridge.Ref{ID: id, Reference: "a trial"}))
}

func (t *trial) releaseAt(b bridge.Bridge, p bridge.Part) (bridge.Answer, error) {
	return one(answered(t.ctx, b.Release, func(p bridge.Part) exchange.HoldID { return p.ID }, p))
}

func one(answers []bridge.Answer, err error) (bridge.Answer, error) {
	if err != nil {
		return bridge.Answer{}, err
	}
	return answers[0], nil
}

// hold, commit and release are calls that must be answered.
func (t *trial) hold(id exchange.HoldID, l []bridge.Line) bridge.Answer {
	a, err := t.holdAt(t.Bridge, ask(id, l))
	t.must(wrap("hold", err))
	return a
}

func (t *trial) commit(id exchange.HoldID) bridge.Answer {
	a, err := t.commitAt(t.Bridge, id)
	t.must(wrap("commit", err))
	return a
}

func (t *trial) release(id exchange.HoldID, seq uint32, l ...bridge.Line) {
	a, err := t.releaseAt(t.Bridge, bridge.Part{ID: id, Seq: seq, Lines: l, Reason: "a trial"})
	t.must(wrap("release", err))
	if !a.OK {
		t.failf("a release was answered no (%q): it is yes whatever there was to give back", a.Problem)
	}
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// held is a new ask that must be answered yes.
func (t *trial) held(l []bridge.Line) exchange.HoldID {
	id := t.id()
	t.yes(t.hold(id, l), "a hold of units that are free")
	return id
}

func (t *trial) yes(a bridge.Answer, what string) {
	if !a.OK {
		t.failf("%s was answered no (problem %q, short %v)", what, a.Problem, a.Short)
	}
}

func (t *trial) no(a bridge.Answer, problem bridge.Problem, what string) {
	if a.OK {
		t.failf("%s was answered yes", what)
	}
	if a.Problem != problem {
		t.failf("%s was answered no with the problem %q, not %q", what, a.Problem, problem)
	}
}

// free is how many units the system would set aside: what it says where far more are asked.
func (t *trial) free(sku exchange.SKU) int64 {
	a := t.hold(t.id(), lines(sku, exchange.MaxQuantity))
	if a.OK || len(a.Short) != 1 || a.Short[0].SKU != sku || a.Short[0].Asked != exchange.MaxQuantity {
		t.failf("%d units of %s asked, which nobody has: the answer is %+v, and not no with this product as short", exchange.MaxQuantity, sku, a)
	}
	return a.Short[0].Available
}

func (t *trial) wantFree(sku exchange.SKU, want int64, when string) {
	if got := t.free(sku); got != want {
		t.failf("%s, %d units of %s are free, not %d", when, got, sku, want)
	}
}

// stock makes exactly so many units free.
func (t *trial) stock(sku exchange.SKU, units int64) {
	if t.Stock != nil {
		t.must(wrap("setting the stock", t.Stock(t.ctx, sku, units)))
		return
	}
	if id, ok := t.fillers[sku]; ok {
		t.release(id, 1)
		delete(t.fillers, sku)
	}
	switch free := t.free(sku); {
	case free < units:
		t.failf("%d units of %s are free, and the case needs %d", free, sku, units)
	case free > units:
		t.fillers[sku] = t.held(lines(sku, free-units))
	}
}

// tidy gives everything back.
func (t *trial) tidy() {
	ctx, stop := context.WithTimeout(context.WithoutCancel(t.ctx), caseTime)
	defer stop()
	for batch := range slices.Chunk(t.ids, bridge.MaxBatch) {
		var parts []bridge.Part
		for _, id := range batch {
			parts = append(parts, bridge.Part{ID: id, Seq: lastSeq, Reason: "the trial is over"})
		}
		_, err := answered(ctx, t.Bridge.Release, func(p bridge.Part) exchange.HoldID { return p.ID }, parts...)
		t.must(err)
	}
}

// atOnce calls f so many times at once and returns the first error.
func (t *trial) atOnce(n int, f func(i int) error) {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	for _, err := range errs {
		t.must(err)
	}
}
