package desk

import "github.com/souk-market/souk/exchange"

// What a retailer has signed and its supplier has not yet answered.

// queue numbers and signs a request and puts it into the outbox.
func (d *Desk) queue(b *batch, c chainID, act Act, salt [16]byte, shipTo []byte) error {
	rec, err := b.chain(c)
	if err != nil {
		return err
	}
	if rec.Chain.Frozen {
		return errFrozen
	}
	most := uint64(MaxOutbox)
	if _, end := act.(EndTrade); !end {
		most-- // the last place is an end's, which cannot be refused and is queued once
	}
	if waiting := rec.Queued - rec.Chain.Answered; waiting >= most {
		return exchange.Errorf(exchange.CodeLimit, "%d requests to this supplier wait for an answer; try again when it is online", waiting)
	}
	rec.Queued++
	b.setChain(c, rec)
	b.then(func() { d.courier.queued(c.supplier) })
	return d.sign(b, c, rec.Queued, act, salt, shipTo)
}

// sign puts a signed request into the outbox.
func (d *Desk) sign(b *batch, c chainID, number uint64, act Act, salt [16]byte, shipTo []byte) error {
	payload, err := d.codec.Encode(&Request{Supplier: c.supplier, Retailer: c.retailer, Number: number, At: b.now, Act: act})
	if err != nil {
		return err
	}
	sig, err := d.signer.Sign(DomainRequest, payload)
	if err != nil {
		return err
	}
	return b.save(outboxKey(c.supplier, number), &OutboxRecord{
		Number: number, Signed: SignedRequest{Payload: payload, Signature: sig}, Salt: salt, ShipTo: shipTo,
	})
}

// MaxOutbox bounds what waits for one supplier: at ~10 KiB for an order of 64
// lines, 100 MB.
const MaxOutbox = 10_000
