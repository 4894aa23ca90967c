package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Tables: the records that operations read and change, decoded until the commit.

const (
	// cachedLedgers bounds the ledgers, and the partnerships, that stay decoded between
	// batches: at some 1 KB each, 8 MB.
	cachedLedgers = 4_096
	// overhead bounds what a record and its key take in a batch beside their fields of no
	// fixed length.
	overhead = 128
)

func (p *Partnerships) makeTables() {
	p.rows = writer.NewTable(p.writer, writer.Rows[ledger.ID, record.Partnership]{
		Key:    record.PartnershipKey,
		Decode: decoder[record.Partnership](p.codec),
		Encode: func(rec record.Partnership) ([]byte, error) { return record.Encode(p.codec, &rec) },
		Size: func(_ ledger.ID, rec record.Partnership) int {
			return 4*overhead + 4*(len(rec.State.Terms.Countries)+len(rec.State.Open.Terms.Countries)) + len(rec.State.EndReason) + len(rec.EndingReason) + len(rec.Detail)
		},
		Cached: cachedLedgers,
	})
}

// decoder reads records of type T that a table keeps as values.
func decoder[T any, P interface {
	*T
	message.Value
}](codec message.Codec) func([]byte) (T, error) {
	return func(raw []byte) (T, error) {
		rec, err := record.Decode[T, P](codec, raw)
		if err != nil {
			var none T
			return none, err
		}
		return *rec, nil
	}
}

// get is the partnership of a ledger; its zero value where there is no record.
func (p *Partnerships) get(b *writer.Batch, id ledger.ID) (record.Partnership, error) {
	rec, _, err := p.rows.Get(b, id)
	return rec, err
}

func (l *Ledgers) makeTables() {
	l.rows = writer.NewTable(l.writer, writer.Rows[ledger.ID, record.Ledger]{
		Key:    record.LedgerKey,
		Decode: decoder[record.Ledger](l.codec),
		Encode: func(rec record.Ledger) ([]byte, error) { return record.Encode(l.codec, &rec) },
		Size: func(_ ledger.ID, rec record.Ledger) int {
			return 2*overhead + len(rec.AckedHead.Payload) + len(rec.AckedHead.Signature)
		},
		Cached:  cachedLedgers,
		Flushed: func(b *writer.Batch, id ledger.ID, rec record.Ledger) { b.Then(ledgerChanged{id, &rec}) },
	})
	l.entered = writer.NewTable(l.writer, writer.Rows[requestID, [32]byte]{})
}

// get is the record of a ledger; an empty one where there is none.
func (l *Ledgers) get(b *writer.Batch, id ledger.ID) (record.Ledger, error) {
	rec, _, err := l.rows.Get(b, id)
	rec.Chain.Supplier, rec.Chain.Retailer = id.Supplier, id.Retailer
	return rec, err
}

func (l *Ledgers) set(b *writer.Batch, id ledger.ID, rec record.Ledger) { l.rows.Set(b, id, rec) }

func (o *Orders) makeTables() {
	o.rows = writer.NewTable(o.writer, writer.Rows[orderID, *record.Order]{
		Key:    func(k orderID) []byte { return record.OrderKey(k.side, k.id, k.partner) },
		Decode: func(raw []byte) (*record.Order, error) { return record.Decode[record.Order](o.codec, raw) },
		Encode: func(rec *record.Order) ([]byte, error) { return record.Encode(o.codec, rec) },
		Size:   func(_ orderID, rec *record.Order) int { return rec.Size() },
	})
}

// get is a copy of an order's record; nil where there is none.
func (o *Orders) get(b *writer.Batch, k orderID) (*record.Order, error) {
	rec, ok, err := o.rows.Get(b, k)
	if err != nil || !ok {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

type storedHold = record.Hold

// heldRecord is a hold's record within a batch, with what the batch seals.
type heldRecord struct {
	storedHold
	placed, latest *writer.Leaf    // the answers Placed and Latest, while they wait for their seal
	quote          *exchange.Quote // of a hold placed in this batch

	// Where the shop's own system was asked for it:
	reference string // of the order that it becomes, for people
	sure      bool   // the system has said yes to its commit
	declined  bool   // the system has said no to it
}

func (h *holdings) makeTables() {
	h.holds = writer.NewTable(h.writer, writer.Rows[holdID, *heldRecord]{
		Key: func(k holdID) []byte { return record.HoldKey(k.retailer, k.id) },
		Decode: func(raw []byte) (*heldRecord, error) {
			rec, err := record.Decode[record.Hold](h.codec, raw)
			if err != nil {
				return nil, err
			}
			return &heldRecord{storedHold: *rec}, nil
		},
		Encode: func(rec *heldRecord) ([]byte, error) {
			if rec.placed != nil {
				rec.Placed = rec.placed.Bytes()
			}
			if rec.latest != nil {
				rec.Latest = rec.latest.Bytes()
			}
			return record.Encode(h.codec, &rec.storedHold)
		},
		Size: func(_ holdID, rec *heldRecord) int {
			return overhead + record.HoldKeyBytes + len(rec.Placed) + len(rec.Latest) + rec.Hold.Lines.Len()*(exchange.MaxSKU+8) + ownSize(rec.Own)
		},
	})
}

// ownSize is what an own reservation's quote takes in its record, from above.
func ownSize(q *exchange.Quote) int {
	if q == nil {
		return 0
	}
	n := 2 * overhead
	for i := range q.Lines {
		n += overhead + len(q.Lines[i].SKU) + len(q.Lines[i].Title) + q.Lines[i].SnapshotSize()
	}
	return n
}

func (s *Supplier) makeTables() {
	s.holdings.makeTables()
	s.began = writer.NewTable(s.writer, writer.Rows[exchange.OrderID, exchange.ShopID]{})
	s.endedNow = writer.NewTable(s.writer, writer.Rows[ledger.ID, uint32]{})
}

// get is a copy of a hold's record; nil where there is none.
func (h *holdings) get(b *writer.Batch, k holdID) (*heldRecord, error) {
	rec, ok, err := h.holds.Get(b, k)
	if err != nil || !ok {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

func (r *Retailer) makeTables() {
	r.rows = writer.NewTable(r.writer, writer.Rows[exchange.HoldID, *record.Reservation]{
		Key: record.ReservationKey,
		Decode: func(raw []byte) (*record.Reservation, error) {
			return record.Decode[record.Reservation](r.codec, raw)
		},
		Encode: func(rec *record.Reservation) ([]byte, error) { return record.Encode(r.codec, rec) },
		Size: func(_ exchange.HoldID, rec *record.Reservation) int {
			return 2*overhead + len(rec.Raw) + len(rec.Answer) + len(rec.Detail) + rec.Request.Lines.Len()*(exchange.MaxSKU+8)
		},
	})
}

// get is a copy of a reservation's record; nil where there is none.
func (r *Retailer) get(b *writer.Batch, id exchange.HoldID) (*record.Reservation, error) {
	rec, ok, err := r.rows.Get(b, id)
	if err != nil || !ok {
		return nil, err
	}
	copied := *rec
	return &copied, nil
}

// end sets the state of a reservation, if its record is still kept. Only a held one may become
// another state than Committed.
func (r *Retailer) end(b *writer.Batch, id exchange.HoldID, state hold.State) error {
	rec, err := r.get(b, id)
	if err != nil || rec == nil || state != hold.Committed && rec.State != hold.Held {
		return err
	}
	rec.State, rec.ReleaseAt, rec.ExtendTo = state, 0, 0
	r.rows.Set(b, id, rec)
	return r.baskets.reservationSaved(b, rec)
}

// reservationOrdered marks a reservation committed: it became an order.
func (r *Retailer) reservationOrdered(b *writer.Batch, id exchange.HoldID) error {
	return r.end(b, id, hold.Committed)
}

// reservationEnded marks a reservation ended where why, the supplier's refusal of its order,
// says that the hold is over.
func (r *Retailer) reservationEnded(b *writer.Batch, id exchange.HoldID, why exchange.Code) error {
	switch why {
	case exchange.CodeExpired:
		return r.end(b, id, hold.Expired)
	case exchange.CodeReleased, exchange.CodeNoPartnership, exchange.CodeNotFound:
		return r.end(b, id, hold.Released)
	}
	return nil
}
