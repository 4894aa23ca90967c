package replica

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// The rows of copies have a version. A store of an earlier one is brought up to date when it is
// opened: indexes are built again from the products, which no version changes.
//
//	v    version (1); absent = 1
//
//	1    words and titles
//	2    prices and changes, too
const rowsVersion = 2

var keyVersion = []byte("v")

// openVersion reads the version of the store.
func (r *Replicas) openVersion() error {
	raw, ok, err := r.store.Get(keyVersion)
	switch {
	case err != nil:
		return err
	case !ok:
		r.stored = 1
	case len(raw) != 1 || raw[0] > rowsVersion:
		return exchange.Errorf(exchange.CodeInvalid, "copies of catalogs are of version %x, this program knows %d; use a newer one, or delete them: they are fetched again", raw, rowsVersion)
	default:
		r.stored = raw[0]
	}
	return nil
}

// writeVersion notes that all rows are of this version.
func (r *Replicas) writeVersion() error {
	if r.stored == rowsVersion {
		return nil
	}
	return r.commit([]kv.Write{{Key: keyVersion, Value: []byte{rowsVersion}}})
}

// openIndex opens the change log of a live copy, and builds the copy's index again where an
// earlier version built it: some 20 s for a million products, once.
func (r *Replicas) openIndex(p *replica) error {
	if p.live.Number == 0 {
		return nil
	}
	if r.stored < rowsVersion {
		r.log.Info("the search index of a catalog is built again, for a new version of it", "shop", p.shop)
		if err := r.buildIndex(p, p.live.Number); err != nil {
			return err
		}
	}
	var ok bool
	var err error
	if p.log, ok, err = r.openChanges(p.live.Number); err != nil || ok {
		return err
	}
	p.log = r.beginChanges()
	return r.commit([]kv.Write{p.log.write(p.live.Number)})
}
