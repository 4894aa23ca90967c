package trade

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/writer"
)

// Quotas bound what one shop can make this one keep, most of all what is kept for ever. The
// counts are in memory: a restart begins anew, as the next period does.
const (
	// strangerEntries a day are taken into a ledger in which no terms were ever in force, and
	// only entries that lead to terms. A proposal of 250 countries takes 4 KiB, so a member
	// without a partnership costs 400 KiB a day.
	strangerEntries = 100
	// proposalsADay of one partner are answered; later ones are refused. A person makes a
	// handful, and each is an event for the owner.
	proposalsADay = 50
	// refusedRequests of one partner an hour are entered: as many as an outbox holds, so that
	// a full outbox of expired requests is answered at once. An entry has 53 KiB at most:
	// 530 MB an hour, from a partner that the owner chose and can end the partnership with.
	refusedRequests = MaxOutbox
	// refusedHolds of one partner an hour leave a sealed refusal or a tombstone. At
	// about 1 KB, kept for eight days: 1,000 × 24 × 8 = 190 MB. Further refusals are
	// answered and not kept: they hold no stock, so a repeat does no harm. Further tombstones are
	// in memory alone (released.go). A release is always answered: its retailer asks until it is.
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

// take uses one of a shop's share, unless the share is used up. Where the operation fails,
// the use is undone.
func (q *quota) take(b *writer.Batch, shop exchange.ShopID) bool {
	if q.spent(b, shop) {
		return false
	}
	used := q.used // of this period, whatever period it is by the time of an undo
	used[shop]++
	b.Undo(func() { used[shop]-- })
	return true
}

// mayEnter refuses a request without an entry where a quota is used up. The request's number
// stays free, and the retailer's later requests wait behind it. A partner loses nothing: it
// queues an order or a cancellation only after terms came into force, and CodeLimit tells it
// to send the same again later.
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
