package trade

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/writer"
)

// What one shop can make this one keep is bounded, most of all what is kept for ever.
// The counts are in memory: a restart begins them anew, as the next period does.
const (
	// strangerEntries a day are taken into a ledger in which no terms were ever in
	// force, and only those that lead to terms: a proposal of 250 countries is kept in
	// 4 KiB, so a member that nobody trades with costs 400 KiB a day.
	strangerEntries = 100
	// proposalsADay of one partner are answered; later ones are refused. A person
	// makes a handful, and each is an event for the owner.
	proposalsADay = 50
	// refusedRequests of one partner an hour are entered: as many as an outbox
	// holds, so that even an outage in which every request ran out is answered at
	// once. An entry has 53 KiB at most: 530 MB an hour, from a shop that the owner
	// chose and can end trade with.
	refusedRequests = MaxOutbox
	// refusedHolds of one partner an hour leave a sealed refusal or a tombstone. At
	// about 1 KB, kept for eight days: 1,000 × 24 × 8 = 190 MB. Further refusals are
	// answered and not kept: nothing was set aside, so nothing can run twice.
	refusedHolds = 1000
)

const day = 24 * time.Hour

func strangersQuota() quota    { return quota{span: day, limit: strangerEntries} }
func proposalsQuota() quota    { return quota{span: day, limit: proposalsADay} }
func requestsQuota() quota     { return quota{span: time.Hour, limit: refusedRequests} }
func refusedHoldsQuota() quota { return quota{span: time.Hour, limit: refusedHolds} }

// quota counts something by shop within a period of the writer's time. It belongs to the
// writer's turn.
type quota struct {
	span  time.Duration
	limit int

	period exchange.Time
	used   map[exchange.ShopID]int
}

// spent reports whether a shop has used up its share of the period.
func (q *quota) spent(b *writer.Batch, shop exchange.ShopID) bool {
	if p := b.Now() / exchange.Time(q.span.Milliseconds()); p != q.period || q.used == nil {
		q.period, q.used = p, make(map[exchange.ShopID]int)
	}
	return q.used[shop] >= q.limit
}

// take counts one, unless the share is used up. It is given back where the operation
// fails.
func (q *quota) take(b *writer.Batch, shop exchange.ShopID) bool {
	if q.spent(b, shop) {
		return false
	}
	used := q.used // of this period, whatever period it is by the time of an undo
	used[shop]++
	b.Undo(func() { used[shop]-- })
	return true
}

// mayEnter refuses a request without an entry: its number stays free, and the
// retailer's later requests wait behind it. That withholds nothing from a partner: it
// queues an order or a cancel only after an entry of this shop's has put terms into
// force, and CodeLimit says to send the same again later.
func (l *Ledgers) mayEnter(b *writer.Batch, id ledger.ID, act message.Act) error {
	version, err := l.partnerships.everTerms(b, id)
	if err != nil {
		return err
	}
	_, end := act.(message.EndTrade)
	switch {
	case version == 0 && !leadsToTerms(act):
		return exchange.Errorf(exchange.CodeNoPartnership, "no partnership was ever in force in this direction; propose one")
	case version == 0 && !l.strangers.take(b, id.Retailer):
		return errSlower
	case version != 0 && !end && l.requests.spent(b, id.Retailer):
		return errSlower
	}
	return nil
}

// leadsToTerms reports an act that needs no terms.
func leadsToTerms(act message.Act) bool {
	switch act.(type) {
	case message.ProposeTerms, message.AcceptTerms, message.DeclineTerms, message.EndTrade:
		return true
	}
	return false
}

var errSlower = exchange.Errorf(exchange.CodeLimit, "this shop has taken as much from you as it does in a day or an hour; the same is taken later")
