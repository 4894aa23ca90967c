package replica

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// Pull is one pull of a shop's feed, in rounds. Usually there is one round: the changes after
// the replica's position, or everything. If the copy then is not what the head states,
// further rounds fetch the bucket digests, the buckets that differ, and the changes since. If
// the copy still differs, the last round fetches everything.
//
//	for request := pull.Request(); request != nil; request = pull.Request() {
//		// send request, call pull.Chunk with each chunk of the answer
//	}
//
// A pull that is broken off keeps what it applied. Only the latest pull of a shop may go on;
// chunks of an older pull are refused. A Pull is not safe for concurrent use.
type Pull struct {
	r   *Replicas
	rep *replica

	request *message.FeedPull // of the round; nil = the pull is over
	round   pullRound
	beside  bool // the pull writes a copy beside the live copy
	began   bool // the round's first chunk has come
	rounds  int
	fixed   bool // buckets have been repaired once

	head   message.FeedHead
	signed message.SignedFeedHead

	ours    []catalog.Digest   // of the copy's buckets, after a mismatch
	differ  []uint32           // buckets to repair, not yet asked for
	asked   []uint32           // buckets of this round, not yet replaced
	content []message.FeedItem // of bucket asked[0], so far
	size    int                // of content
}

type pullRound int

const (
	roundChanges pullRound = iota
	roundDigests
	roundBuckets
)

const (
	// maxRounds ends a pull whose copy never equals the head: 8 rounds of buckets repair a
	// whole set, and each repair has two rounds around it.
	maxRounds = 3 * catalog.Buckets / message.MaxPullBuckets
	// maxBucketBytes bounds a bucket: 100 times a usual bucket of a million products.
	maxBucketBytes = 8 << 20
)

// StartPull begins a pull and ends a former pull of the same shop.
func (r *Replicas) StartPull(shop exchange.ShopID) *Pull {
	rep := r.replica(shop)
	rep.mu.Lock()
	defer rep.mu.Unlock()
	p := &Pull{r: r, rep: rep}
	rep.session = p
	p.askChanges()
	return p
}

// Request is what to ask the supplier next; nil once the replica is proven, or after an error.
func (p *Pull) Request() *message.FeedPull { return p.request }

func (p *Pull) ask(round pullRound, request message.FeedPull) {
	request.Feed = exchange.MainFeed
	if len(p.rep.meta.Head.Payload) > 0 {
		have := p.rep.meta.Head
		request.Have = &have
	}
	p.round, p.began, p.request = round, false, &request
	p.rounds++
}

// askChanges asks for the changes after the unfinished copy or, if there is none, after the
// live copy.
func (p *Pull) askChanges() {
	g := p.rep.live
	if p.beside = p.rep.pulling.Number != 0; p.beside {
		g = p.rep.pulling
	}
	p.ask(roundChanges, message.FeedPull{Epoch: g.Epoch, After: g.At})
}

// copy is the generation that the pull writes.
func (p *Pull) copy() *generation {
	if p.beside {
		return &p.rep.pulling
	}
	return &p.rep.live
}

// Chunk takes the next chunk of the answer. An error ends the pull; what was applied stays,
// and the next pull goes on from there. Errors:
//   - CodeInvalid, CodeSignature, CodeLimit: no honest supplier gives this answer
//   - CodeStale: the head is older than a head that the supplier proved before
//   - CodeUnavailable: a newer pull has begun, or the catalog did not add up in maxRounds
//   - the store's
func (p *Pull) Chunk(c *message.FeedChunk) error {
	p.rep.mu.Lock()
	defer p.rep.mu.Unlock()
	if p.rep.session != p || p.rep.gone || p.request == nil {
		return exchange.Errorf(exchange.CodeUnavailable, "this pull of %v's catalog is over", p.rep.shop)
	}
	err := p.take(c)
	if err != nil {
		p.rep.session, p.request = nil, nil
	}
	return err
}

func (p *Pull) take(c *message.FeedChunk) error {
	if p.rounds > maxRounds {
		p.r.raise(p.rep.shop, "its catalog changes faster than it can be repaired, or never adds up")
		return exchange.Errorf(exchange.CodeUnavailable, "%v's catalog did not add up in %d rounds", p.rep.shop, maxRounds)
	}
	if !p.began {
		if err := p.begin(c); err != nil {
			return err
		}
		p.began = true
	} else if c.Head != nil {
		if err := p.laterHead(c); err != nil {
			return err
		}
	}
	switch p.round {
	case roundChanges:
		return p.changes(c)
	case roundDigests:
		return p.digests(c)
	}
	return p.buckets(c)
}

// begin takes the head and key of a round's first chunk.
func (p *Pull) begin(c *message.FeedChunk) error {
	if c.Head == nil {
		return exchange.Errorf(exchange.CodeInvalid, "%v's catalog begins without its head", p.rep.shop)
	}
	head, err := p.r.openHead(p.rep.shop, *c.Head)
	if err != nil {
		return err
	}
	if head.Position().Compare(p.rep.head.Position()) < 0 {
		p.r.raise(p.rep.shop, "it shows an older catalog than it proved before; it may have lost state")
		return exchange.Errorf(exchange.CodeStale, "%v shows its catalog at %d.%d, and proved %d.%d before", p.rep.shop, head.Epoch, head.Sequence, p.rep.head.Epoch, p.rep.head.Sequence)
	}
	p.head, p.signed = *head, *c.Head
	if c.Key != nil {
		if err := p.r.setKey(p.rep, *c.Key); err != nil {
			return err
		}
	}
	if p.round != roundChanges {
		return nil
	}
	if c.Full {
		p.beside = true
		return p.r.startGeneration(p.rep, head.Epoch)
	}
	if g := p.copy(); g.Number == 0 || head.Epoch != g.Epoch || head.Sequence < g.At {
		return exchange.Errorf(exchange.CodeInvalid, "%v answers with changes to %d.%d; %d.%d were asked to be followed", p.rep.shop, head.Epoch, head.Sequence, g.Epoch, g.At)
	}
	return nil
}

// laterHead takes the head of the answer's snapshot, which may be later than the first head.
func (p *Pull) laterHead(c *message.FeedChunk) error {
	head, err := p.r.openHead(p.rep.shop, *c.Head)
	if err != nil {
		return err
	}
	if !c.Last || head.Epoch != p.head.Epoch || head.Sequence < p.head.Sequence {
		return exchange.Errorf(exchange.CodeInvalid, "%v's catalog changes its head from %d.%d to %d.%d on the way", p.rep.shop, p.head.Epoch, p.head.Sequence, head.Epoch, head.Sequence)
	}
	p.head, p.signed = *head, *c.Head
	return nil
}

// changes applies a chunk of changes. After the last chunk it compares the copy with the head.
func (p *Pull) changes(c *message.FeedChunk) error {
	if err := checkItems(c.Items, p.copy().At); err != nil {
		return err
	}
	end := uint64(0)
	if c.Last {
		end = p.head.Sequence
		if n := len(c.Items); n > 0 && c.Items[n-1].Sequence > end {
			return exchange.Errorf(exchange.CodeInvalid, "%v sends change %d beyond its head at %d", p.rep.shop, c.Items[n-1].Sequence, end)
		}
	}
	if err := p.apply(c.Items, end); err != nil {
		return err
	}
	if !c.Last {
		return nil
	}
	proven, err := p.settle()
	if err != nil {
		return err
	}
	if proven {
		p.request, p.rep.session = nil, nil
		p.r.stats.pulls.Add(1)
		return nil
	}
	return p.mismatch()
}

// apply commits changes in as many commits as they take. Each commit moves At along and marks
// the buckets whose digests it made out of date. end, if not 0, is the copy's sequence after
// the last commit.
func (p *Pull) apply(items []message.FeedItem, end uint64) error {
	for len(items) > 0 || end > 0 {
		g := *p.copy()
		w := p.r.newWrites(p.rep, g, !p.beside)
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
		if err := p.commitCopy(g, w.take()); err != nil {
			return err
		}
	}
	return nil
}

// commitCopy writes rows and the new state of the copy.
func (p *Pull) commitCopy(g generation, rows []kv.Write) error {
	live, pulling := p.rep.live, p.rep.pulling
	if p.beside {
		pulling = g
	} else {
		live = g
	}
	if err := p.r.commit(append(rows, p.rep.workWrite(live, pulling))); err != nil {
		return err
	}
	p.rep.live, p.rep.pulling = live, pulling
	p.rep.show()
	return nil
}

// Pull runs all rounds of a pull over client. What was applied stays when Pull fails.
func (r *Replicas) Pull(ctx context.Context, shop exchange.ShopID, client Client) error {
	p := r.StartPull(shop)
	for request := p.Request(); request != nil; request = p.Request() {
		last := false
		err := client.Pull(ctx, shop, request, func(c *message.FeedChunk) error {
			if last {
				return exchange.Errorf(exchange.CodeInvalid, "%v goes on after its last chunk", shop)
			}
			last = c.Last
			return p.Chunk(c)
		})
		if err != nil {
			return err
		}
		if !last {
			return errCutShort
		}
	}
	return nil
}

var errCutShort = exchange.Errorf(exchange.CodeUnavailable, "the catalog's answer ended before its last chunk; asking again")
