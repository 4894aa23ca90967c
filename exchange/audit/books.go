package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Key names a hold or order among those of one shop: its partner and its id.
type Key struct {
	Partner exchange.ShopID
	ID      exchange.HoldID
}

// ChainID names one direction of trade.
type ChainID struct{ Supplier, Retailer exchange.ShopID }

// Books is what a shop's store says.
type Books struct {
	Shop         exchange.ShopID
	Meta         record.Meta
	Stock        map[exchange.SKU]hold.Stock
	Holds        map[Key]*record.Hold // as supplier
	Sold         map[Key]*record.Order
	Bought       map[Key]*record.Order
	ShipTo       map[Key]*record.ShipTo
	Reservations map[exchange.HoldID]*record.Reservation
	Chains       map[ChainID]*Chain

	holdExpiry  map[Key]exchange.Time // the index of HELD holds
	orderExpiry map[Key]exchange.Time // the index of SUBMITTED orders

	codec    message.Codec
	verifier message.Verifier
}

// Chain is one direction of trade.
type Chain struct {
	Record      record.Ledger
	Partnership record.Partnership
	Entries     []*Entry
	Outbox      []*record.Outbox
	Evidence    *record.Evidence

	numbers map[uint64]uint64 // request number → position
}

// Entry is one entry of a ledger.
type Entry struct {
	*message.Entry
	Hash    [32]byte
	Act     message.Act
	Request *message.Request // that the entry answers, or nil
	quote   *exchange.Quote  // of a SubmitOrder
}

// faults collects what is wrong.
type faults struct {
	where string
	list  []error
}

func (f *faults) add(format string, args ...any) {
	f.list = append(f.list, fmt.Errorf(f.where+": "+format, args...))
}

func (f *faults) err() error { return errors.Join(f.list...) }

// reader reads one shop's records into its books.
type reader struct {
	*Books
	f *faults
}

// read reads the records under the given prefixes; see record's keys.go.
func read(shop exchange.ShopID, store kv.Store, codec message.Codec, verifier message.Verifier, prefixes []string) (*Books, *faults, error) {
	b := &Books{
		Shop: shop, codec: codec, verifier: verifier,
		Stock: map[exchange.SKU]hold.Stock{}, Holds: map[Key]*record.Hold{},
		Sold: map[Key]*record.Order{}, Bought: map[Key]*record.Order{}, ShipTo: map[Key]*record.ShipTo{},
		Reservations: map[exchange.HoldID]*record.Reservation{}, Chains: map[ChainID]*Chain{},
		holdExpiry: map[Key]exchange.Time{}, orderExpiry: map[Key]exchange.Time{},
	}
	r := reader{b, &faults{where: "shop " + shop.Short()}}
	for _, prefix := range prefixes {
		err := store.Scan(kv.Prefix([]byte(prefix)), func(key, value []byte) bool {
			// A scan's bytes are gone after the visit.
			r.record(prefix, slices.Clone(key[len(prefix):]), slices.Clone(value))
			return true
		})
		if err != nil {
			return nil, nil, fmt.Errorf("reading shop %s: %w", shop.Short(), err)
		}
	}
	return b, r.f, nil
}

// counted are the prefixes of what Counts looks at; all those of everything.
var (
	counted = []string{"s/", "h/", "hx/", "os/", "ox/", "l/"}
	all     = append([]string{"m", "or/", "a/", "e/", "n/", "t/", "x/", "r/", "v/"}, counted...)
)

func (r reader) record(prefix string, key, value []byte) {
	switch prefix {
	case "m":
		if len(key) > 0 {
			return // "members/…", the member list in the same store
		}
		if v := decode[*record.Meta](r, record.KindMeta, value); v != nil {
			r.Meta = *v
		}
	case "s/":
		if v := decode[*record.Stock](r, record.KindStock, value); v != nil {
			r.Stock[exchange.SKU(key)] = v.Stock
		}
	case "h/":
		r.hold(key, value)
	case "hx/", "ox/":
		r.expiry(prefix, key)
	case "os/", "or/":
		r.orderRecord(prefix, key, value)
	case "a/":
		if k, ok := r.shopThenID(prefix, key); ok {
			r.ShipTo[k] = decode[*record.ShipTo](r, record.KindShipTo, value)
		}
	case "r/":
		if v := decode[*record.Reservation](r, record.KindReservation, value); v != nil {
			r.Reservations[v.Request.ID] = v
			if string(key) != string(v.Request.ID[:]) {
				r.f.add("reservation %v stands under key %x", v.Request.ID, key)
			}
		}
	default:
		r.chainRecord(prefix, key, value)
	}
}

// decode reads a record; nil, and a fault, where it cannot.
func decode[T message.Value](r reader, kind message.Kind, raw []byte) (none T) {
	v, err := r.codec.Decode(kind, raw)
	if err != nil {
		r.f.add("a record is unreadable: %w", err)
		return none
	}
	return v.(T)
}

const shopLen, idLen = len(exchange.ShopID{}), len(exchange.HoldID{})

func (r reader) shopThenID(prefix string, key []byte) (k Key, ok bool) {
	if len(key) != shopLen+idLen {
		r.f.add("key %s%x has a wrong length", prefix, key)
		return k, false
	}
	copy(k.Partner[:], key)
	copy(k.ID[:], key[shopLen:])
	return k, true
}

func (r reader) hold(key, value []byte) {
	k, ok := r.shopThenID("h/", key)
	v := decode[*record.Hold](r, record.KindHold, value)
	if !ok || v == nil {
		return
	}
	if v.Retailer != k.Partner {
		r.f.add("hold %v of %s stands under %s", k.ID, v.Retailer.Short(), k.Partner.Short())
	}
	r.Holds[k] = v
}

func (r reader) expiry(prefix string, key []byte) {
	if len(key) != 8+shopLen+idLen {
		r.f.add("key %s%x has a wrong length", prefix, key)
		return
	}
	k, _ := r.shopThenID(prefix, key[8:])
	index := r.holdExpiry
	if prefix == "ox/" {
		index = r.orderExpiry
	}
	if _, twice := index[k]; twice {
		r.f.add("%v stands twice in the index %s", k.ID, prefix)
	}
	index[k] = exchange.Time(binary.BigEndian.Uint64(key))
}

func (r reader) orderRecord(prefix string, key, value []byte) {
	v := decode[*record.Order](r, record.KindOrder, value)
	if v == nil {
		return
	}
	list, partner := r.Sold, v.Retailer
	if prefix == "or/" {
		list, partner = r.Bought, v.Supplier
	}
	if string(key) != string(v.ID[:])+string(partner[:]) {
		r.f.add("order %v stands under key %s%x", v.ID, prefix, key)
	}
	list[Key{partner, v.ID}] = v
}

// chainRecord reads what belongs to one direction of trade. Scans run in the
// order of positions and numbers.
func (r reader) chainRecord(prefix string, key, value []byte) {
	var id ChainID
	rest := key
	if prefix == "x/" { // its retailer is this shop
		id.Retailer = r.Shop
	}
	if len(key) < shopLen {
		r.f.add("key %s%x has a wrong length", prefix, key)
		return
	}
	copy(id.Supplier[:], key)
	rest = rest[shopLen:]
	if prefix != "x/" {
		if len(rest) < shopLen {
			r.f.add("key %s%x has a wrong length", prefix, key)
			return
		}
		copy(id.Retailer[:], rest)
		rest = rest[shopLen:]
	}
	c := r.Chains[id]
	if c == nil {
		c = &Chain{numbers: map[uint64]uint64{}}
		r.Chains[id] = c
	}
	switch prefix {
	case "l/":
		if v := decode[*record.Ledger](r, record.KindLedger, value); v != nil {
			c.Record = *v
		}
	case "t/":
		if v := decode[*record.Partnership](r, record.KindPartnership, value); v != nil {
			c.Partnership = *v
		}
	case "v/":
		c.Evidence = decode[*record.Evidence](r, record.KindEvidence, value)
	case "x/":
		if v := decode[*record.Outbox](r, record.KindOutbox, value); v != nil {
			c.Outbox = append(c.Outbox, v)
		}
	case "n/":
		c.numbers[binary.BigEndian.Uint64(rest)] = binary.BigEndian.Uint64(value)
	case "e/":
		r.entry(id, c, binary.BigEndian.Uint64(rest), value)
	}
}
