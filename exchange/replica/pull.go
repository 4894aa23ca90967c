package replica

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Pulling is one pull of a shop's feed, in rounds. Usually there is one: the
// changes after where the replica stands, or everything. Where the outcome is not
// what the head states, further rounds fetch the bucket digests, the buckets that
// differ, and the changes since; if that does not help either, everything.
//
//	for request := pull.Request(); request != nil; request = pull.Request() {
//		// send request, call pull.Chunk with each chunk of the answer
//	}
//
// What was applied is kept when a pull is broken off. Only the latest pull of a
// shop may go on; chunks of an older one are refused. Not safe for concurrent use.
type Pulling struct {
	r *Replicas
	p *replica

	request *message.FeedPull // of the round; nil when done
	round   pullRound
	beside  bool // the copy being written is the one beside the live one
	began   bool // the round's first chunk has come
	rounds  int
	fixed   bool // buckets have been repaired once

	head   message.FeedHead
	signed message.SignedFeedHead

	ours    []catalog.Digest   // of the copy's buckets, after a mismatch
	differ  []uint32           // buckets to repair, not yet asked for
	asked   []uint32           // those of this round, not yet replaced
	content []message.FeedItem // of asked[0], so far
	size    int
}

type pullRound int

const (
	roundChanges pullRound = iota
	roundDigests
	roundBuckets
)

const (
	// maxRounds ends a pull that a supplier keeps from adding up: 8 rounds of
	// buckets repair a whole set, and each repair has two rounds around it.
	maxRounds = 3 * catalog.Buckets / message.MaxPullBuckets
	// maxBucketBytes bounds a bucket: 100 times what a bucket of a million products holds.
	maxBucketBytes = 8 << 20
)

// StartPull begins a pull and ends a former one of the same shop.
func (r *Replicas) StartPull(shop exchange.ShopID) *Pulling {
	p := r.replica(shop)
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &Pulling{r: r, p: p}
	p.session = f
	f.askChanges()
	return f
}

// Request is what to ask next, or nil when the replica is proven equal.
func (f *Pulling) Request() *message.FeedPull { return f.request }

func (f *Pulling) ask(round pullRound, request message.FeedPull) {
	request.Feed = exchange.MainFeed
	if len(f.p.meta.Head.Payload) > 0 {
		have := f.p.meta.Head
		request.Have = &have
	}
	f.round, f.began, f.request = round, false, &request
	f.rounds++
}

// askChanges asks for what follows the copy: the unfinished one where there is one.
func (f *Pulling) askChanges() {
	g := f.p.live
	if f.beside = f.p.pulling.Number != 0; f.beside {
		g = f.p.pulling
	}
	f.ask(roundChanges, message.FeedPull{Epoch: g.Epoch, After: g.At})
}

// copy is the generation that is being written.
func (f *Pulling) copy() *generation {
	if f.beside {
		return &f.p.pulling
	}
	return &f.p.live
}

// Chunk takes the next chunk of the answer. After an error the pull is over; what
// was applied before stays and the next pull goes on from it. Errors: CodeInvalid or
// CodeSignature for an answer no honest supplier gives, CodeStale for one from before
// what it proved earlier, CodeUnavailable where a newer pull has begun, a store's.
func (f *Pulling) Chunk(c *message.FeedChunk) error {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if f.p.session != f || f.p.gone || f.request == nil {
		return exchange.Errorf(exchange.CodeUnavailable, "this pull of %v's catalog is over", f.p.shop)
	}
	err := f.take(c)
	if err != nil {
		f.p.session, f.request = nil, nil
	}
	return err
}

func (f *Pulling) take(c *message.FeedChunk) error {
	if f.rounds > maxRounds {
		f.r.raise(f.p.shop, "its catalog changes faster than it can be repaired, or never adds up")
		return exchange.Errorf(exchange.CodeUnavailable, "%v's catalog did not add up in %d rounds", f.p.shop, maxRounds)
	}
	if !f.began {
		if err := f.begin(c); err != nil {
			return err
		}
		f.began = true
	} else if c.Head != nil {
		if err := f.laterHead(c); err != nil {
			return err
		}
	}
	switch f.round {
	case roundChanges:
		return f.changes(c)
	case roundDigests:
		return f.digests(c)
	}
	return f.buckets(c)
}

// begin takes the head and key of a round's first chunk.
func (f *Pulling) begin(c *message.FeedChunk) error {
	if c.Head == nil {
		return exchange.Errorf(exchange.CodeInvalid, "%v's catalog begins without its head", f.p.shop)
	}
	head, err := f.r.openHead(f.p.shop, *c.Head)
	if err != nil {
		return err
	}
	if head.Position().Compare(f.p.head.Position()) < 0 {
		f.r.raise(f.p.shop, "it shows an older catalog than it proved before; it may have lost state")
		return exchange.Errorf(exchange.CodeStale, "%v shows its catalog at %d.%d, and proved %d.%d before", f.p.shop, head.Epoch, head.Sequence, f.p.head.Epoch, f.p.head.Sequence)
	}
	f.head, f.signed = *head, *c.Head
	if c.Key != nil {
		if err := f.r.setKey(f.p, *c.Key); err != nil {
			return err
		}
	}
	if f.round != roundChanges {
		return nil
	}
	if c.Full {
		f.beside = true
		return f.r.startGeneration(f.p, head.Epoch)
	}
	if g := f.copy(); g.Number == 0 || head.Epoch != g.Epoch || head.Sequence < g.At {
		return exchange.Errorf(exchange.CodeInvalid, "%v answers with changes to %d.%d; %d.%d were asked to be followed", f.p.shop, head.Epoch, head.Sequence, g.Epoch, g.At)
	}
	return nil
}

// laterHead takes the head of the snapshot that the answer came from.
func (f *Pulling) laterHead(c *message.FeedChunk) error {
	head, err := f.r.openHead(f.p.shop, *c.Head)
	if err != nil {
		return err
	}
	if !c.Last || head.Epoch != f.head.Epoch || head.Sequence < f.head.Sequence {
		return exchange.Errorf(exchange.CodeInvalid, "%v's catalog changes its head from %d.%d to %d.%d on the way", f.p.shop, f.head.Epoch, f.head.Sequence, head.Epoch, head.Sequence)
	}
	f.head, f.signed = *head, *c.Head
	return nil
}

// changes applies a chunk of changes and, after the last, holds the copy against the head.
func (f *Pulling) changes(c *message.FeedChunk) error {
	if err := checkItems(c.Items, f.copy().At); err != nil {
		return err
	}
	end := uint64(0)
	if c.Last {
		end = f.head.Sequence
		if n := len(c.Items); n > 0 && c.Items[n-1].Sequence > end {
			return exchange.Errorf(exchange.CodeInvalid, "%v sends change %d beyond its head at %d", f.p.shop, c.Items[n-1].Sequence, end)
		}
	}
	if err := f.apply(c.Items, end); err != nil {
		return err
	}
	if !c.Last {
		return nil
	}
	proven, err := f.settle()
	if err != nil {
		return err
	}
	if proven {
		f.request, f.p.session = nil, nil
		f.r.stats.pulls.Add(1)
		return nil
	}
	return f.mismatch()
}

// apply commits changes in as many commits as they take; each moves At along and
// marks the buckets it made out of date. end, where it is not 0, is where the copy
// stands after the last.
func (f *Pulling) apply(items []message.FeedItem, end uint64) error {
	for len(items) > 0 || end > 0 {
		g := *f.copy()
		w := f.r.newWrites(f.p, g, !f.beside)
		for len(items) > 0 && !w.full() {
			if err := w.item(items[0]); err != nil {
				return err
			}
			g.At = items[0].Sequence
			g.mark(catalog.BucketOf(items[0].SKU))
			items = items[1:]
		}
		if len(items) == 0 {
			g.At = max(g.At, end)
			end = 0
		}
		if err := f.commitCopy(g, w.take()); err != nil {
			return err
		}
	}
	return nil
}

// commitCopy writes rows and the new state of the copy.
func (f *Pulling) commitCopy(g generation, rows []kv.Write) error {
	live, pulling := f.p.live, f.p.pulling
	if f.beside {
		pulling = g
	} else {
		live = g
	}
	if err := f.r.commit(append(rows, f.p.workWrite(live, pulling))); err != nil {
		return err
	}
	f.p.live, f.p.pulling = live, pulling
	f.p.show()
	return nil
}
