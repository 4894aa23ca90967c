package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// The outbox: requests that a retailer has signed and its supplier has not answered.

// queue numbers and signs a request and puts it into the outbox.
func (l *Ledgers) queue(b *writer.Batch, id ledger.ID, act message.Act, salt [16]byte, shipTo []byte) error {
	rec, err := l.get(b, id)
	if err != nil {
		return err
	}
	if rec.Chain.Frozen {
		return errFrozen
	}
	most := uint64(MaxOutbox)
	if _, end := act.(message.EndTrade); !end {
		most-- // the last place is kept for an end, which cannot be refused and is queued once
	}
	if waiting := rec.Queued - rec.Chain.Answered; waiting >= most {
		return exchange.Errorf(exchange.CodeLimit, "%d requests to this supplier wait for an answer; try again when it is online", waiting)
	}
	rec.Queued++
	l.set(b, id, rec)
	b.Then(requestQueued{id.Supplier})
	return l.sign(b, id, rec.Queued, act, salt, shipTo)
}

// sign puts a signed request into the outbox.
func (l *Ledgers) sign(b *writer.Batch, id ledger.ID, number uint64, act message.Act, salt [16]byte, shipTo []byte) error {
	payload, err := l.codec.Encode(&message.Request{Supplier: id.Supplier, Retailer: id.Retailer, Number: number, At: b.Now(), Act: act})
	if err != nil {
		return err
	}
	sig, err := l.signer.Sign(message.DomainRequest, payload)
	if err != nil {
		return err
	}
	return l.put(b, record.OutboxKey(id.Supplier, number), &record.Outbox{
		Number: number, Signed: message.SignedRequest{Payload: payload, Signature: sig}, Salt: salt, ShipTo: shipTo,
	})
}

// MaxOutbox bounds the requests that wait for one supplier: at some 10 KiB for an order of
// 64 lines, 100 MB.
const MaxOutbox = 10_000
