package roster

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
)

// profiles holds the newest profile of each shop that is or was a member, so at most
// MaxProfileBytes for each Member in the list.
type profiles struct {
	mu sync.RWMutex // guards of; written with Roster.mu held too
	of map[exchange.ShopID]profile
}

type profile struct {
	value  membership.Profile
	signed []byte
}

// PutProfile verifies a signed profile and keeps it if it is newer than the shop's stored profile.
// newer reports that: only then other shops may lack the profile, too. The profile of a shop that
// is no member is CodeNotMember. Of two profiles with the same sequence number, a mistake of the
// shop's, the first stays.
func (r *Roster) PutProfile(signed []byte) (p membership.Profile, newer bool, err error) {
	p, err = membership.OpenProfile(r.cfg.Federation, signed, r.Key)
	if err != nil {
		return membership.Profile{}, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if held, _, ok := r.Profile(p.Shop); ok && held.Sequence >= p.Sequence {
		return p, false, nil
	}
	signed = append([]byte(nil), signed...)
	if err := r.commit([][]kv.Write{{{Key: keyProfile(p.Shop), Value: signed}}}); err != nil {
		return p, false, err
	}
	r.profiles.mu.Lock()
	defer r.profiles.mu.Unlock()
	r.profiles.of[p.Shop] = profile{p, signed}
	return p, true, nil
}

// Profile returns a shop's newest profile and its signed bytes.
func (r *Roster) Profile(shop exchange.ShopID) (p membership.Profile, signed []byte, ok bool) {
	r.profiles.mu.RLock()
	defer r.profiles.mu.RUnlock()
	held, ok := r.profiles.of[shop]
	return held.value, held.signed, ok
}

// loadProfiles reads the stored profiles. A profile that does not verify is dropped with a
// warning: the shop sends it again in its next greeting.
func (r *Roster) loadProfiles() error {
	r.profiles.of = map[exchange.ShopID]profile{}
	current := func(shop exchange.ShopID) (ed25519.PublicKey, bool) {
		m, ok := r.Member(shop)
		return m.Key, ok
	}
	for row, err := range kv.Rows(r.cfg.Store, kv.Prefix(prefixProfile)) {
		if err != nil {
			return err
		}
		signed := bytes.Clone(row.Value)
		p, err := membership.OpenProfile(r.cfg.Federation, signed, current)
		if err == nil && !bytes.Equal(keyProfile(p.Shop), row.Key) {
			err = exchange.Errorf(exchange.CodeConflict, "it is that of %s", p.Shop)
		}
		if err != nil {
			r.log.Warn("a stored profile is damaged and was dropped", "shop", hex.EncodeToString(row.Key[len(prefixProfile):]), "err", err)
			continue
		}
		r.profiles.of[p.Shop] = profile{p, signed}
	}
	return nil
}
