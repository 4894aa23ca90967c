package event_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// hand is a clock that is set by hand.
type hand struct{ now exchange.Time }

func (h *hand) Now() exchange.Time { return h.now }

// rig is a log, its writer and their store.
type rig struct {
	t     fataler
	clock *hand
	mem   *store.Mem
	w     *writer.Writer
	told  *event.Watchers
	log   *event.Log
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func newRig(t fataler) *rig {
	r := &rig{t: t, clock: &hand{now}, mem: store.Memory()}
	r.open()
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%v", err)
	}
}

// open opens the log on the store as it is.
func (r *rig) open() {
	r.t.Helper()
	var meta record.Meta
	rec, err := record.Get[record.Meta](r.mem, protocol.Codec{}, record.KeyMeta)
	r.must(err)
	if rec != nil {
		meta = *rec
	}
	r.told = event.NewWatchers(r.clock, true)
	r.log, err = event.OpenLog(event.LogConfig{
		Store: r.mem, Codec: protocol.Codec{}, Clock: r.clock, Watchers: r.told, Logger: slog.New(slog.DiscardHandler),
	}, meta)
	r.must(err)
	r.w = writer.New(writer.Config{
		Store: r.mem, Clock: r.clock, Limits: kv.DefaultLimits, Last: meta.Written, Inline: true,
		Stamp: func(b *writer.Batch) error {
			meta := record.Meta{Written: b.Now()}
			if err := r.log.Stamp(b, &meta); err != nil {
				return err
			}
			return record.Put(b, protocol.Codec{}, record.KeyMeta, &meta)
		},
		Apply: func(_ exchange.Time, e writer.Effect) {
			if !r.log.Apply(e) {
				panic("not of the log")
			}
		},
	})
	r.log.Attach(r.w)
}

// commit commits events in one batch, with a row of their own. A part of the operation that fails
// tells nothing.
func (r *rig) commit(texts ...string) error {
	return r.w.Do(context.Background(), func(b *writer.Batch) error {
		b.Put([]byte("a"), []byte(strings.Join(texts, " ")))
		b.Attempt(func(b *writer.Batch) error {
			b.Then(event.Stopped{At: b.Now(), Why: "never"})
			return exchange.Errorf(exchange.CodeInvalid, "no")
		})
		for _, text := range texts {
			b.Then(event.Stopped{At: b.Now(), Why: text})
		}
		return nil
	})
}

// text is an event in a word; "" of those that say nothing of what the shop did.
func text(t event.Told) string {
	switch e := t.Event.(type) {
	case event.Stopped:
		return e.Why
	case event.Started:
		return fmt.Sprintf("started after %d", e.Found)
	case event.Gap:
		return "gap " + string(e.Why)
	}
	return ""
}

func texts(list []event.Told) (out []string) {
	for _, t := range list {
		if s := text(t); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// entry is what the model knows of a logged event.
type entry struct {
	id   event.ID
	text string
}

// world is the model of a log: what was committed, what pruning took, and what came back by a copy.
type world struct {
	*rig
	rt      *rapid.T
	n       int // texts given
	log     []entry
	pruned  int  // of log
	opened  bool // nothing is committed since
	written exchange.Time
	old     []entry // of histories that a restore took back
	live    []*liveFollower
	copies  []copied
}

// copied is a copy of the store, with the model's state then.
type copied struct {
	mem     *store.Mem
	log     []entry
	pruned  int
	written exchange.Time
}

// liveFollower is a follower and what it should be told next.
type liveFollower struct {
	*event.Follower
	want []string
}

// expect notes that a batch was committed.
func (w *world) expect(texts ...string) {
	if w.opened {
		texts = append([]string{fmt.Sprintf("started after %d", w.written)}, texts...)
		w.opened = false
	}
	w.written = w.clock.now
	for _, s := range texts {
		n := uint64(1)
		if len(w.log) > 0 {
			n = w.log[len(w.log)-1].id.Number + 1
		}
		w.log = append(w.log, entry{event.ID{At: w.clock.now, Number: n}, s})
		for _, f := range w.live {
			f.want = append(f.want, s)
		}
	}
}

func (w *world) reopen() {
	for _, f := range w.live {
		f.Close()
	}
	w.live, w.opened = nil, true
	w.open()
	w.rig.log.KeepAtMost(keptInTest)
}

const keptInTest = 300

func (w *world) some() (list []string) {
	n := rapid.SampledFrom([]int{0, 1, 1, 2, 3, 700}).Draw(w.rt, "events")
	for range n {
		w.n++
		list = append(list, fmt.Sprint(w.n))
	}
	return list
}

// step does one thing to the log.
func (w *world) step() {
	w.clock.now += exchange.Time(rapid.SampledFrom([]int64{0, 0, 1, 1000}).Draw(w.rt, "ms")) // commits may share a millisecond
	texts := w.some()
	switch rapid.IntRange(0, 11).Draw(w.rt, "act") {
	case 0: // a full disk
		w.mem.FailNext(store.FaultRefuse)
		if err := w.commit(texts...); err == nil {
			w.t.Fatalf("a full disk takes a commit")
		}
	case 1, 2: // killed before or after the commit
		fault := rapid.SampledFrom([]store.Fault{store.FaultBefore, store.FaultAfter}).Draw(w.rt, "fault")
		w.mem.FailNext(fault)
		if err := w.commit(texts...); err == nil {
			w.t.Fatalf("a failed commit is reported as done")
		}
		if fault == store.FaultAfter {
			w.live = nil // they hear of nothing any more
			w.expect(texts...)
		}
		w.mem = w.mem.Clone()
		w.reopen()
	case 3: // stopped and started
		w.reopen()
	case 4:
		w.copies = append(w.copies, copied{w.mem.Clone(), slices.Clone(w.log), w.pruned, w.written})
	case 5: // an older copy is put back, later
		if len(w.copies) == 0 {
			return
		}
		c := w.copies[rapid.IntRange(0, len(w.copies)-1).Draw(w.rt, "copy")]
		common := 0
		for common < min(len(w.log), len(c.log)) && w.log[common] == c.log[common] {
			common++
		}
		w.old = append(w.old, w.log[common:]...)
		w.mem, w.log, w.pruned, w.written = c.mem.Clone(), slices.Clone(c.log), c.pruned, c.written
		w.clock.now++
		w.reopen()
	case 6: // years pass
		w.clock.now = w.clock.now.Add(event.Kept / 3)
	case 7:
		w.prune()
	default:
		w.must(w.commit(texts...))
		w.expect(texts...)
	}
}

// prune deletes what is too old and too much.
func (w *world) prune() {
	for more := true; more; {
		var err error
		before := w.rig.log.Last()
		more, err = w.rig.log.Prune(context.Background())
		w.must(err)
		if w.rig.log.Last() != before { // a commit as any other
			w.expect()
		}
	}
	kept, err := w.rig.log.Read(1, 1<<20)
	w.must(err)
	w.pruned = len(w.log)
	if len(kept) > 0 {
		w.pruned = int(kept[0].ID.Number) - 1
	}
	for i, e := range w.log {
		old := e.id.At <= w.clock.now.Add(-event.Kept)
		if many := len(w.log)-i > keptInTest; (old || many) && i >= w.pruned && !w.sharesRow(i) {
			w.t.Fatalf("event %d of %d, of %v, is still kept", i+1, len(w.log), e.id.At)
		}
		if young := len(w.log)-i <= keptInTest-keptInTest/64-256; !old && young && i < w.pruned {
			w.t.Fatalf("event %d of %d is deleted", i+1, len(w.log))
		}
	}
	// A prune that had something to do is a commit.
	if rec, err := record.Get[record.Meta](w.mem, protocol.Codec{}, record.KeyMeta); err != nil {
		w.t.Fatalf("%v", err)
	} else if rec != nil {
		w.written = rec.Written
	}
}

// sharesRow reports whether event i of the log may lie in a row with one that is to be kept.
func (w *world) sharesRow(i int) bool {
	return w.log[i].id.At == w.log[min(i+256, len(w.log)-1)].id.At || i+256 >= len(w.log)
}

// resume follows from an event that somebody was told once, and checks what is told.
func (w *world) resume() {
	all := append([]entry{{}}, append(slices.Clone(w.log), w.old...)...)
	from := all[rapid.IntRange(0, len(all)-1).Draw(w.rt, "from")]
	f, err := w.rig.log.FollowAfter(from.id)
	w.must(err)
	told, err := f.Now()
	w.must(err)
	got := texts(told)
	at := slices.IndexFunc(w.log, func(e entry) bool { return e == from })
	kept := w.log[w.pruned:]
	var want []string
	switch {
	case from == entry{} && w.pruned == 0:
		want = textsOf(kept)
	case from == entry{}, at >= 0 && at+1 < w.pruned:
		want = append([]string{"gap pruned"}, textsOf(kept)...)
	case at >= 0:
		want = textsOf(w.log[at+1:])
	case from.id.Number <= uint64(w.pruned): // nobody can say any more which history it was
		want = append([]string{"gap pruned"}, textsOf(kept)...)
	default:
		want = []string{"gap restored"}
		for _, e := range kept {
			if e.id.At > from.id.At {
				want = append(want, e.text)
			}
		}
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("after %v: told %v, want %v", from, short(got), short(want))
	}
	if _, live := told[len(told)-1].Event.(event.Live); !live || f.After() != w.rig.log.Last() {
		w.t.Fatalf("a follower that has all is at %v of %v", f.After(), w.rig.log.Last())
	}
	w.live = append(w.live, &liveFollower{Follower: f})
	if len(w.live) > 4 {
		w.live[0].Close()
		w.live = w.live[1:]
	}
}

func textsOf(list []entry) (out []string) {
	for _, e := range list {
		out = append(out, e.text)
	}
	return out
}

func short(list []string) string {
	if len(list) > 12 {
		return fmt.Sprintf("%v … %v (%d)", list[:6], list[len(list)-6:], len(list))
	}
	return fmt.Sprint(list)
}

// TestLog: whatever is committed, refused, killed, pruned and put back, a follower that goes on
// after any event that anybody was ever told hears each event of the log after it once, in order,
// or of a gap; and one that lives on hears what comes, between two looks more than its channel has.
func TestLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{rig: newRig(rt), rt: rt, opened: true}
		w.rig.log.KeepAtMost(keptInTest)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			pruned := w.pruned
			w.step()
			if rapid.Bool().Draw(rt, "look") {
				for _, f := range w.live {
					told, err := f.Now()
					w.must(err)
					if got := texts(told); !slices.Equal(got, f.want) && w.pruned == pruned {
						rt.Fatalf("a live follower was told %v, want %v", short(got), short(f.want))
					}
					f.want = nil
				}
			}
			if w.pruned != pruned { // a follower that was behind is told of a gap: not modelled here
				for _, f := range w.live {
					f.Close()
				}
				w.live = nil
			}
			w.resume()
		}
	})
}

// TestFollowSince: all that was committed at a time or later is told, and a gap where the log
// does not reach back.
func TestFollowSince(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(rt)
		r.log.KeepAtMost(uint64(rapid.IntRange(5, 60).Draw(rt, "kept")))
		for i := range rapid.IntRange(0, 40).Draw(rt, "commits") {
			r.clock.now += exchange.Time(rapid.IntRange(0, 3).Draw(rt, "ms"))
			r.must(r.commit(slices.Repeat([]string{fmt.Sprint(i)}, rapid.IntRange(1, 3).Draw(rt, "events"))...))
		}
		before, err := r.log.Read(1, 1<<20)
		r.must(err)
		for more := true; more; {
			var err error
			more, err = r.log.Prune(context.Background())
			r.must(err)
		}
		kept, err := r.log.Read(1, 1<<20)
		r.must(err)
		at := now + exchange.Time(rapid.IntRange(-3, 130).Draw(rt, "since"))
		var want, got []event.ID
		for _, t := range kept {
			if t.ID.At >= at {
				want = append(want, t.ID)
			}
		}
		lost := slices.ContainsFunc(before[:len(before)-len(kept)], func(t event.Told) bool { return t.ID.At >= at })
		f, err := r.log.FollowSince(at)
		r.must(err)
		told, err := f.Now()
		r.must(err)
		gap := false
		for _, t := range told {
			switch t.Event.(type) {
			case event.Gap:
				gap = true
			case event.Live:
			default:
				got = append(got, t.ID)
			}
		}
		if !slices.Equal(got, want) || gap != lost {
			rt.Fatalf("since %v: %v, a gap: %v; want %v, %v", at, got, gap, want, lost)
		}
	})
}

// TestSlowFollower: a follower that does not look has a bounded number of events in memory, and is
// told every event of the log.
func TestSlowFollower(t *testing.T) {
	r := newRig(t)
	f := r.log.Follow()
	defer f.Close()
	const commits = 3 * event.Buffer
	for i := range commits {
		r.must(r.commit(fmt.Sprint(i)))
		r.told.Notify(event.Catalog{})
		if n := f.InMemory(); n > event.Buffer {
			t.Fatalf("%d events in memory", n)
		}
	}
	var got []string
	for range 1 + commits { // the start, too
		told, err := f.Next(t.Context())
		r.must(err)
		if s := text(told); s != "" {
			got = append(got, s)
		}
		if n := f.InMemory(); n > 3*event.Buffer {
			t.Fatalf("%d events in memory", n)
		}
	}
	if len(got) != commits+1 || got[1] != "0" || got[commits] != fmt.Sprint(commits-1) {
		t.Errorf("told %v", short(got))
	}
}

// TestUnknownPlaces: what names no place in the log is answered with a gap.
func TestUnknownPlaces(t *testing.T) {
	r := newRig(t)
	r.must(r.commit("a", "b"))
	for _, s := range []string{"", "7", "-", "7-", "-7", "+7-1", "07-1", "7-1-1", "1790000000000-x", "99999999999999999999-1"} {
		if id, err := event.ParseID(s); exchange.CodeOf(err) != exchange.CodeInvalid {
			t.Errorf("%q is read as %v, %v", s, id, err)
		}
	}
	f := r.log.FollowUnknown()
	told, err := f.Now()
	r.must(err)
	if len(told) != 2 || text(told[0]) != "gap unknown" || told[0].ID != r.log.Last() {
		t.Errorf("told %v", told)
	}
	if id, err := event.ParseID(r.log.Last().String()); err != nil || id != r.log.Last() {
		t.Errorf("%v, %v", id, err)
	}
}

// TestDamagedRow: a row that cannot be read is a gap, and what comes after it is told.
func TestDamagedRow(t *testing.T) {
	for _, where := range []string{"in the middle", "at the end"} {
		t.Run(where, func(t *testing.T) {
			r := newRig(t)
			r.must(r.commit("1"))
			first := r.log.Last()
			r.must(r.commit("2", "3"))
			damaged := r.log.Last()
			want := []string{"gap damaged"}
			if where == "in the middle" {
				r.must(r.commit("4"))
				want = append(want, "4")
			}
			r.must(r.mem.Commit([]kv.Write{{Key: record.EventsKey(first.Number + 1), Value: []byte{0xff}}}))
			for _, reopened := range []bool{false, true} {
				if reopened {
					r.open()
				}
				for _, from := range []event.ID{first, damaged} {
					f, err := r.log.FollowAfter(from)
					r.must(err)
					told, err := f.Now()
					r.must(err)
					want := want
					if from == damaged {
						want = want[1:]
					}
					if got := texts(told); !slices.Equal(got, want) {
						t.Errorf("reopened %v, after %v: told %v, want %v", reopened, from, got, want)
					}
				}
			}
			r.clock.now = r.clock.now.Add(2 * event.Kept)
			r.must(r.commit("5"))
			for more := true; more; {
				var err error
				more, err = r.log.Prune(context.Background())
				r.must(err)
			}
			if page, err := r.log.Read(1, 99); err != nil || len(texts(page)) != 2 { // started, 5
				t.Errorf("kept: %v, %v", texts(page), err)
			}
		})
	}
}

// TestAfterAnotherVersion: a version before the log that ran on the store in between has dropped
// where the log ends; no number is given twice.
func TestAfterAnotherVersion(t *testing.T) {
	r := newRig(t)
	r.must(r.commit("a", "b"))
	last := r.log.Last()
	meta := record.Meta{Written: r.clock.now.Add(time.Second)}
	raw, err := protocol.Codec{}.Encode(&meta)
	r.must(err)
	r.must(r.mem.Commit([]kv.Write{{Key: record.KeyMeta, Value: raw}}))
	r.open()
	r.clock.now = r.clock.now.Add(time.Minute)
	r.must(r.commit("c"))
	f, err := r.log.FollowAfter(last)
	r.must(err)
	told, err := f.Now()
	r.must(err)
	if got := texts(told); !slices.Equal(got, []string{fmt.Sprintf("started after %d", meta.Written), "c"}) {
		t.Errorf("told %v", got)
	}
}

// TestFollowWhileWriting: beside a writer that never rests, followers that break off and go on, some
// slower than the writer, are told every event once and in order.
func TestFollowWhileWriting(t *testing.T) {
	r := newRig(t)
	const commits = 3000
	go func() {
		for i := range commits {
			if err := r.commit(fmt.Sprint(i)); err != nil {
				panic(err)
			}
			r.told.Notify(event.Catalog{})
		}
	}()
	for follower := range 4 {
		t.Run(fmt.Sprint(follower), func(t *testing.T) {
			t.Parallel()
			var after event.ID
			n := 0
			for breaks := 0; n < commits+1; breaks++ {
				f, err := r.log.FollowAfter(after)
				if err != nil {
					t.Fatal(err)
				}
				for took := 0; took < 1+(breaks*7+follower*31)%300 && n < commits+1; took++ {
					told, err := f.Next(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					switch told.Event.(type) {
					case event.Started, event.Stopped:
						if n++; told.ID.Number != uint64(n) || n > 1 && text(told) != fmt.Sprint(n-2) {
							t.Fatalf("event %d is %v: %s", n, told.ID, text(told))
						}
					case event.Gap:
						t.Fatalf("a gap: %+v", told)
					}
				}
				after = f.After()
				f.Close()
			}
		})
	}
}
