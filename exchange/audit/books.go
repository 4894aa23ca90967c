package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Key names a hold or order among those of one shop: its partner and its id.
type Key struct {
	Partner exchange.ShopID
	ID      exchange.HoldID
}

// Books is what a shop's store says.
type Books struct {
	Shop         exchange.ShopID
	Meta         record.Meta
	Stock        map[exchange.StockID]hold.Stock
	Holds        map[Key]*record.Hold  // as supplier
	Sales        map[Key]*record.Order // to partners
	Own          map[exchange.OrderID]*record.OwnSale
	Purchases    map[Key]*record.Order
	ShipTo       map[Key]*record.ShipTo
	Reservations map[exchange.HoldID]*record.Reservation
	Baskets      map[exchange.BasketID]*record.Basket
	Ledgers      map[ledger.ID]*Ledger
	Products     map[exchange.SKU]exchange.StockID // what each sells from
	Feed         *record.Feed

	holdExpiry  map[Key]exchange.Time // the index of HELD holds
	orderExpiry map[Key]exchange.Time // the index of SUBMITTED orders
	quarantine  map[Key]quarantined
	stocks      map[exchange.StockID]record.Stock
	journals    map[exchange.StockID][]numbered
	readings    map[exchange.StockID]bool // whether they say something
	events      eventLog
	bridged     bridged
	sharing     map[string]bool // the index of products that sell from another stock than their own
	unknown     map[string]int  // rows under prefixes that this version does not know

	codec    message.Codec
	verifier message.Verifier
	name     places
}

// quarantined is a hold or order that was taken out of its expiry index.
type quarantined struct {
	order bool
	due   exchange.Time
	why   string
}

// Ledger is the ledger of one supplier and one retailer, with the records beside it.
type Ledger struct {
	Record      record.Ledger
	Partnership record.Partnership
	Entries     []*Entry
	Outbox      []*record.Outbox
	Evidence    *record.Evidence

	numbers map[uint64]uint64 // request number → position
	unread  map[uint64]bool   // positions of entries that cannot be read
}

// Last is the position of the last entry that could be read.
func (c *Ledger) Last() uint64 {
	if len(c.Entries) == 0 {
		return 0
	}
	return c.Entries[len(c.Entries)-1].Position
}

// entry is the entry at a position, or nil.
func (c *Ledger) entry(position uint64) *Entry {
	i, ok := slices.BinarySearchFunc(c.Entries, position, func(e *Entry, p uint64) int { return cmp.Compare(e.Position, p) })
	if !ok {
		return nil
	}
	return c.Entries[i]
}

// Entry is one entry of a ledger.
type Entry struct {
	*message.Entry
	Hash    [32]byte
	Act     message.Act
	Request *message.Request // that the entry answers, or nil
	quote   *exchange.Quote  // of a SubmitOrder
}

// reader reads one shop's records into its books.
type reader struct {
	*Books
	f notes
}

func newBooks(c Check) *Books {
	b := &Books{
		Shop: c.Shop, codec: c.Codec, verifier: c.Verifier, name: c.Name,
		Stock: map[exchange.StockID]hold.Stock{}, Holds: map[Key]*record.Hold{},
		Sales: map[Key]*record.Order{}, Own: map[exchange.OrderID]*record.OwnSale{}, Purchases: map[Key]*record.Order{}, ShipTo: map[Key]*record.ShipTo{},
		Reservations: map[exchange.HoldID]*record.Reservation{}, Baskets: map[exchange.BasketID]*record.Basket{}, Ledgers: map[ledger.ID]*Ledger{},
		Products: map[exchange.SKU]exchange.StockID{}, sharing: map[string]bool{},
		stocks: map[exchange.StockID]record.Stock{}, journals: map[exchange.StockID][]numbered{}, readings: map[exchange.StockID]bool{},
		holdExpiry: map[Key]exchange.Time{}, orderExpiry: map[Key]exchange.Time{},
		quarantine: map[Key]quarantined{}, unknown: map[string]int{}, bridged: bridged{asked: map[exchange.HoldID]*record.Asked{}},
	}
	if b.name == nil {
		b.name = exchange.ShopID.Short
	}
	return b
}

// read reads the records in the given ranges; see record's keys.go. It calls step for each
// row; an error of step ends the reading.
func (b *Books) read(store kv.Store, f notes, ranges []kv.Range, step func() error) error {
	r := reader{b, f}
	for _, keys := range ranges {
		for row, err := range kv.Rows(store, keys) {
			if err == nil {
				// A scan's bytes are gone after the visit.
				r.row(slices.Clone(row.Key), slices.Clone(row.Value))
				err = step()
			}
			if err != nil {
				return fmt.Errorf("reading %s: %w", f.where(), err)
			}
		}
	}
	return nil
}

// counted are the ranges that Counts reads.
var counted = []kv.Range{prefix("s/"), prefix("h/"), prefix("hx/"), prefix("os/"), prefix("sa/"), prefix("ox/"), prefix("l/"), prefix("y/")}

func prefix(p string) kv.Range { return kv.Prefix([]byte(p)) }

func (r reader) row(key, value []byte) {
	r.f = r.f.at("record %s", keyOf(key))
	defer r.f.survive()
	if string(key) == string(record.KeyMeta) {
		r.record("m", nil, value)
		return
	}
	i := bytes.IndexByte(key, '/')
	if i < 0 {
		r.unknown[keyText(key)]++
		return
	}
	r.record(string(key[:i+1]), key[i+1:], value)
}

// keyText is a key for people: its prefix, and the rest as text if it is printable, else in
// hexadecimal.
func keyText(key []byte) string {
	i := bytes.IndexByte(key, '/') + 1
	rest := key[i:]
	if exchange.SKU(rest) != "" && bytes.IndexFunc(rest, func(r rune) bool { return r < '!' || r > '~' }) < 0 {
		return string(key)
	}
	return fmt.Sprintf("%s%x", key[:i], rest)
}

func (r reader) record(prefix string, key, value []byte) {
	switch prefix {
	case "m":
		if v := decode[record.Meta](r, value); v != nil {
			r.Meta = *v
		}
	case "s/":
		if v := decode[record.Stock](r, value); v != nil {
			r.Stock[exchange.StockID(key)], r.stocks[exchange.StockID(key)] = v.Stock, *v
		}
	case "h/":
		r.hold(key, value)
	case "hx/", "ox/":
		r.expiry(prefix, key)
	case "os/", "or/":
		r.orderRecord(prefix, key, value)
	case "p/":
		r.product(key, value)
	case "sa/":
		r.ownSale(key, value)
	case "b/":
		if v := decode[record.Basket](r, value); v != nil {
			r.Baskets[v.ID] = v
			if string(key) != string(v.ID[:]) {
				r.f.fault(Records, "basket %v stands under this key", v.ID)
			}
		}
	case "ps/":
		r.sharing[string(key)] = true
	case "j/":
		r.movement(key, value)
	case "f/":
		r.reading(key, value)
	case "g/":
		r.events(key, value)
	case "ba/":
		r.ask(key, value)
	case "bo/":
		r.tell(key, value)
	case "so/":
		decode[record.Source](r, value)
	case "jt/":
		decode[record.ToldLine](r, value)
	case "ji/":
		decode[record.Intent](r, value)
	case "pg/", "px/": // indexes that the shelf follows and nothing is promised by
	case "y/":
		r.quarantined(key, value)
	case "c/":
		if string(key) == "f" {
			r.Feed = decode[record.Feed](r, value)
		}
	case "members/", "addr/", "k/", "kb/", "d/", "xm/", "sn/", "td/", "bs/": // of packages that keep and check their own
	case "a/":
		if k, ok := r.shopThenID(key); ok {
			r.ShipTo[k] = decode[record.ShipTo](r, value)
		}
	case "r/":
		if v := decode[record.Reservation](r, value); v != nil {
			r.Reservations[v.Request.ID] = v
			if string(key) != string(v.Request.ID[:]) {
				r.f.fault(Records, "reservation %v stands under this key", v.Request.ID)
			}
		}
	case "e/", "l/", "n/", "t/", "v/", "x/":
		r.ledgerRecord(prefix, key, value)
	default:
		r.unknown[prefix]++
	}
}

// decode reads a record or a wire value; nil, and a fault, if it cannot.
func decode[T any, P message.ValueOf[T]](r reader, raw []byte) P {
	v, err := message.Decode[T, P](r.codec, raw)
	if err != nil {
		r.f.fault(Records, "it is unreadable: %v", err)
		return nil
	}
	return v
}

const shopLen, idLen = len(exchange.ShopID{}), len(exchange.HoldID{})

func (r reader) shopThenID(key []byte) (k Key, ok bool) {
	if len(key) != shopLen+idLen {
		r.f.fault(Records, "its key has a wrong length")
		return k, false
	}
	copy(k.Partner[:], key)
	copy(k.ID[:], key[shopLen:])
	return k, true
}

func (r reader) hold(key, value []byte) {
	k, ok := r.shopThenID(key)
	v := decode[record.Hold](r, value)
	if !ok || v == nil {
		return
	}
	if v.Retailer != k.Partner {
		r.f.fault(Records, "a hold of %s stands under a key of %s", r.name(v.Retailer), r.name(k.Partner))
	}
	r.Holds[k] = v
}

func (r reader) ownSale(key, value []byte) {
	v := decode[record.OwnSale](r, value)
	if v == nil {
		return
	}
	if string(key) != string(v.Sale.ID[:]) || v.Sale.Supplier != r.Shop || v.Sale.Retailer != r.Shop {
		r.f.fault(Records, "sale %v of %s stands under this key", v.Sale.ID, r.name(v.Sale.Retailer))
	}
	r.Own[v.Sale.ID] = v
}

func (r reader) product(key, value []byte) {
	v := decode[record.Product](r, value)
	if v == nil {
		return
	}
	if string(v.Product.SKU) != string(key) {
		r.f.fault(Records, "product %s stands under this key", v.Product.SKU)
	}
	r.Products[exchange.SKU(key)] = v.Stock()
}

// quarantined reads a row of the quarantine: the key of an expiry index, and the reason.
func (r reader) quarantined(key, why []byte) {
	for _, index := range []string{record.PrefixHoldExpiry, record.PrefixOrderExpiry} {
		rest, ok := bytes.CutPrefix(key, []byte(index))
		if !ok || len(rest) != 8+shopLen+idLen {
			continue
		}
		k, _ := r.shopThenID(rest[8:])
		r.Books.quarantine[k] = quarantined{index == record.PrefixOrderExpiry, exchange.Time(binary.BigEndian.Uint64(rest)), string(why)}
		return
	}
	r.f.fault(Records, "it names nothing that can be in quarantine")
}

func (r reader) expiry(prefix string, key []byte) {
	if len(key) != 8+shopLen+idLen {
		r.f.fault(Records, "its key has a wrong length")
		return
	}
	k, _ := r.shopThenID(key[8:])
	index := r.holdExpiry
	if prefix == "ox/" {
		index = r.orderExpiry
	}
	if _, twice := index[k]; twice {
		r.f.fault(Records, "%v stands in this index twice", k.ID)
	}
	index[k] = exchange.Time(binary.BigEndian.Uint64(key))
}

func (r reader) orderRecord(prefix string, key, value []byte) {
	v := decode[record.Order](r, value)
	if v == nil {
		return
	}
	list, partner := r.Sales, v.Retailer
	if prefix == "or/" {
		list, partner = r.Purchases, v.Supplier
	}
	if string(key) != string(v.ID[:])+string(partner[:]) {
		r.f.fault(Records, "order %v of %s stands under this key", v.ID, r.name(partner))
	}
	list[Key{partner, v.ID}] = v
}

// ledgerRecord reads what belongs to one ledger. Scans run in the order of positions and
// numbers.
func (r reader) ledgerRecord(prefix string, key, value []byte) {
	var id ledger.ID
	shops, number := 2, 0
	switch prefix {
	case "x/": // its retailer is this shop
		shops, number = 1, 8
		id.Retailer = r.Shop
	case "e/", "n/":
		number = 8
	}
	if len(key) != shops*shopLen+number || prefix == "n/" && len(value) != 8 {
		r.f.fault(Records, "its key or value has a wrong length")
		return
	}
	copy(id.Supplier[:], key)
	if shops == 2 {
		copy(id.Retailer[:], key[shopLen:])
	}
	if id.Supplier != r.Shop && id.Retailer != r.Shop || id.Supplier == id.Retailer {
		r.f.fault(Records, "it is of %s, which is none of this shop's", r.name.ledger(id))
		return
	}
	c := r.Ledgers[id]
	if c == nil {
		c = &Ledger{numbers: map[uint64]uint64{}, unread: map[uint64]bool{}}
		r.Ledgers[id] = c
	}
	rest := key[shops*shopLen:]
	switch prefix {
	case "l/":
		if v := decode[record.Ledger](r, value); v != nil {
			c.Record = *v
		}
	case "t/":
		if v := decode[record.Partnership](r, value); v != nil {
			c.Partnership = *v
		}
	case "v/":
		c.Evidence = decode[record.Evidence](r, value)
	case "x/":
		if v := decode[record.Outbox](r, value); v != nil {
			c.Outbox = append(c.Outbox, v)
		}
	case "n/":
		c.numbers[binary.BigEndian.Uint64(rest)] = binary.BigEndian.Uint64(value)
	case "e/":
		position := binary.BigEndian.Uint64(rest)
		in := reader{r.Books, notes{r.place().where, r.f.into}.at("%s, entry %d", ledgerIn{r.name, id}, position)}
		e := in.entry(id, position, value)
		if e == nil {
			c.unread[position] = true
			return
		}
		c.Entries = append(c.Entries, e)
	}
}
