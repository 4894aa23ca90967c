package writer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange/writer"
)

// call is an operation, how its caller asks for it, and what it must be told.
type call struct {
	*script
	gaveUp      bool   // before its turn
	end         func() // ends the caller's context, in the operation
	writeBehind bool   // nobody waits for it
	got         error
	returned    atomic.Bool
	settled     int

	want    error // as far as the operation has run
	final   bool  // and nothing of it is to come
	refused bool  // with its batch; beside one that was given up it may run again
}

// script is what an operation does, one step after the other.
type script struct {
	n     int
	steps []step
}

type step struct {
	do         string
	key, text  string
	part       []step // of an attempt
	toldBefore *bool  // it has kept its effect: its caller's state has changed
}

// tableKeys are those of records; rows and leaves have the same with a prefix.
var tableKeys = []string{"a", "b", "c", "d"}

var errFailed = errors.New("the operation fails")

// script draws one. Only where that is said it may hold what makes a batch fail as a whole.
func (s *simulation) script(poison bool) *script {
	s.serial++
	kinds := []string{
		"get", "put", "put", "delete", "touched", "get stored", "set stored", "set stored", "get cached", "set cached", "get brief", "set brief",
		"seal", "then", "keep", "undo", "attempt", "attempt", "attempt", "large", "share",
	}
	if poison {
		kinds = append(kinds, "unsealable", "unencodable")
	}
	return &script{s.serial, drawSteps(s.T, kinds, 3)}
}

func drawSteps(t *rapid.T, kinds []string, depth int) []step {
	var steps []step
	for range rapid.IntRange(0, 6).Draw(t, "steps") {
		st := step{
			do:         rapid.SampledFrom(kinds).Draw(t, "do"),
			key:        rapid.SampledFrom(tableKeys).Draw(t, "key"),
			text:       rapid.SampledFrom([]string{"", "x", "yy", "zzz"}).Draw(t, "text"),
			toldBefore: new(bool),
		}
		if st.do == "attempt" && depth > 0 {
			st.part = drawSteps(t, kinds, depth-1)
		}
		steps = append(steps, st)
	}
	if rapid.IntRange(0, 2).Draw(t, "fails") == 0 {
		steps = append(steps, step{do: "fail"})
	}
	return steps
}

// play does each step to the batch and to the model.
func (s *simulation) play(b *writer.Batch, steps []step) error {
	for _, st := range steps {
		var err error
		if table, name, ok := s.tableOf(st.do); ok {
			err = s.playTable(b, st, table, name)
		} else {
			err = s.playBatch(b, st)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) playBatch(b *writer.Batch, st step) error {
	key := "p/" + st.key
	switch st.do {
	case "get":
		for _, k := range []string{key, "l/" + st.key, "i/" + st.key} {
			if err := s.read(b, k); err != nil {
				return err
			}
		}
	case "put":
		s.put(b, key, st.text)
	case "large":
		s.put(b, key, strings.Repeat("large", 580))
	case "delete":
		b.Delete([]byte(key))
		s.m.rows[key] = nil
	case "touched":
		if _, want := s.m.rows[key]; b.Touched([]byte(key)) != want {
			s.Fatalf("%s was touched: %v", key, !want)
		}
	case "seal", "unsealable":
		l := leaf{payload: st.text, key: "l/" + st.key}
		if st.do == "unsealable" {
			l.payload = st.do
		}
		if st.text == "x" {
			l.key = ""
			l.real = b.Seal([]byte(l.payload), nil)
		} else {
			l.real = b.Seal([]byte(l.payload), []byte(l.key))
		}
		if l.real.Bytes() != nil {
			s.Fatalf("a leaf has bytes before its batch is sealed")
		}
		s.m.leaves = append(s.m.leaves, l)
	case "then":
		b.Then("then " + st.key)
		s.m.effects = append(s.m.effects, "then "+st.key)
	case "keep":
		if !*st.toldBefore {
			*st.toldBefore = true
			b.Keep("kept " + st.key)
			s.kept = append(s.kept, "kept "+st.key)
		}
	case "undo":
		n := len(s.side)
		s.side = append(s.side, n)
		b.Undo(func() { s.side = s.side[:n] })
		s.m.side = append(s.m.side, n)
	case "attempt":
		before := s.m.clone()
		if err := b.Attempt(func(b *writer.Batch) error { return s.play(b, st.part) }); err != nil {
			s.m = before
		}
	case "share":
		for share, i := b.Share(), 0; !share.Spent(b) && i < 40; i++ {
			s.put(b, fmt.Sprintf("f/%s%d", st.key, i), strings.Repeat("f", 80))
		}
	case "fail":
		return errFailed
	}
	return nil
}

func (s *simulation) put(b *writer.Batch, key, text string) {
	b.Put([]byte(key), []byte(text))
	s.m.rows[key] = &text
}

// read compares a row as the batch sees it.
func (s *simulation) read(b *writer.Batch, key string) error {
	raw, ok, err := b.Get([]byte(key))
	if err != nil {
		return err
	}
	want, there := s.rows[key]
	if w, written := s.m.rows[key]; written {
		if there = w != nil; there {
			want = *w
		}
	}
	if ok != there || there && string(raw) != want {
		s.Fatalf("%s is %q, %v, not %q, %v", key, raw, ok, want, there)
	}
	return nil
}

// tableOf is the table of a step, and its name, where it is a step of a table.
func (s *simulation) tableOf(do string) (*writer.Table[string, value], string, bool) {
	switch _, name, _ := strings.Cut(do, " "); {
	case name == "stored", do == "unencodable":
		return s.stored, "stored", true
	case name == "cached":
		return s.cached, "cached", true
	case name == "brief":
		return s.brief, "brief", true
	}
	return nil, "", false
}

func (s *simulation) playTable(b *writer.Batch, st step, table *writer.Table[string, value], name string) error {
	pending := map[string]map[string]value{"stored": s.m.stored, "cached": s.m.cached, "brief": s.m.brief}[name]
	if verb, _, _ := strings.Cut(st.do, " "); verb == "get" {
		return s.readRecord(b, st.key, table, name, pending)
	}
	v := value{Key: st.key, Text: st.text}
	if n := len(s.m.leaves); n > 0 {
		v.leaf = s.m.leaves[n-1].real
	}
	if st.do == "unencodable" {
		v.Text = st.do
	}
	table.Set(b, st.key, v)
	pending[st.key] = v
	return nil
}

// readRecord compares a record as the batch sees it.
func (s *simulation) readRecord(b *writer.Batch, key string, table *writer.Table[string, value], name string, pending map[string]value) error {
	got, ok, err := table.Get(b, key)
	if err != nil {
		return err
	}
	want, there := pending[key]
	if raw, stored := s.rows[name[:1]+"/"+key]; !there && name != "brief" && stored {
		if err := json.Unmarshal([]byte(raw), &want); err != nil {
			return err
		}
		there = true
	}
	if ok != there || got.Text != want.Text || got.sealed() != want.sealed() {
		s.Fatalf("%s %s is %+v, %v, not %+v, %v", name, key, got, ok, want, there)
	}
	return nil
}

// sealed is what a value takes along, as far as it is sealed.
func (v value) sealed() string {
	if v.leaf != nil {
		return string(v.leaf.Bytes())
	}
	return v.Sealed
}

// queue has a caller ask for an operation, and returns it as the writer takes it.
func (s *simulation) queue(c *call, callers *sync.WaitGroup) *writer.Operation {
	op := func(b *writer.Batch) error { return s.run(b, c) }
	ctx := context.Background()
	switch rapid.SampledFrom([]string{"waits", "waits", "waits", "gives up", "ends in its turn", "write-behind"}).Draw(s.T, "caller") {
	case "gives up":
		c.gaveUp = true
		ctx, c.end = context.WithCancel(ctx)
	case "ends in its turn":
		ctx, c.end = context.WithCancel(ctx)
	case "write-behind":
		c.writeBehind = true
		if !s.w.WriteBehind(op, func() { s.settle(c) }) {
			s.Fatalf("an empty queue takes nothing")
		}
		return s.w.NextWriteBehind()
	}
	asked := make(chan struct{})
	callers.Go(func() {
		c.got = s.w.Do(ctx, op)
		c.returned.Store(true)
		close(asked)
	})
	queued := s.w.Next()
	if c.gaveUp {
		c.end()
		<-asked
	}
	return queued
}

// settle is told that an operation of WriteBehind is over: its effects were applied.
func (s *simulation) settle(c *call) {
	c.settled++
	if s.broken == nil && (!s.ended && !s.nothing() || len(s.effects) > 0) {
		s.Fatalf("operation %d is settled before its batch is", c.n)
	}
}

// check compares what a caller was told; broken says that the writer has ended.
func (c *call) check(t *rapid.T, broken bool) {
	switch {
	case c.writeBehind:
		if c.settled != 1 {
			t.Fatalf("operation %d was settled %d times", c.n, c.settled)
		}
	case c.gaveUp:
		if !errors.Is(c.got, context.Canceled) {
			t.Fatalf("operation %d was given up and answered %v", c.n, c.got)
		}
	case !c.final, broken && c.refused:
		if !broken || c.got == nil {
			t.Fatalf("operation %d did not end, and was answered %v", c.n, c.got)
		}
	case !errors.Is(c.got, c.want):
		t.Fatalf("operation %d was answered %v, not %v", c.n, c.got, c.want)
	}
}
