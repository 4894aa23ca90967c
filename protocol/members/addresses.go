package members

import (
	"bytes"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// AddressBook keeps members' signed addresses in a store, for p2p.Config.Book. With them partners
// find each other when the hub is gone, and a restarted hub finds its members. The keys are "addr/"
// and the 32 bytes of a ShopID, the values the signed records.
type AddressBook struct{ Store kv.Store }

const prefixAddress = "addr/"

// LoadAddresses implements p2p.AddressBook.
func (a AddressBook) LoadAddresses() (map[exchange.ShopID][]byte, error) {
	out := make(map[exchange.ShopID][]byte)
	for row, err := range kv.Rows(a.Store, kv.Prefix([]byte(prefixAddress))) {
		if err != nil {
			return nil, err
		}
		if shop, err := exchange.ShopIDFromBytes(row.Key[len(prefixAddress):]); err == nil {
			out[shop] = bytes.Clone(row.Value)
		}
	}
	return out, nil
}

// SaveAddresses implements p2p.AddressBook.
func (a AddressBook) SaveAddresses(shop exchange.ShopID, record []byte) error {
	k := append([]byte(prefixAddress), shop[:]...)
	return a.Store.Commit([]kv.Write{{Key: k, Value: record, Delete: len(record) == 0}})
}
