package testnet

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// holdsAll checks that the shops have shown all that the folders are to hold.
func (w *oldWorld) holdsAll() {
	w.t.Helper()
	seen := map[string]bool{}
	for name, shown := range w.made.Shown {
		for path, answer := range shown {
			var list struct {
				Orders       []view.Order       `json:"orders"`
				Reservations []view.Reservation `json:"reservations"`
				Partnerships []view.Partnership `json:"partnerships"`
				Members      []view.Member      `json:"members"`
			}
			w.must(name+", "+path, json.Unmarshal(answer, &list))
			for _, o := range list.Orders {
				seen["order "+o.Role+" "+o.Status] = true
			}
			for _, r := range list.Reservations {
				seen["reservation "+r.State] = true
			}
			for _, p := range list.Partnerships {
				seen["partnership "+p.Status] = true
			}
			for _, m := range list.Members {
				seen["member "+m.Status] = true
			}
		}
	}
	for kind, all := range map[string]string{
		"order bought ": "requested refused submitted accepted partly_shipped shipped delivered cancelled rejected expired",
		"order sold ":   "submitted accepted partly_shipped shipped delivered cancelled rejected expired",
		"reservation ":  "held committed released expired refused",
		"partnership ":  "queued proposed declined active ending ended",
		"member ":       "active left",
	} {
		for status := range strings.FieldsSeq(all) {
			if !seen[kind+status] {
				w.t.Errorf("no shop has shown %s%s", kind, status)
			}
		}
	}
}

// books audits a shop's store.
func (w *oldWorld) books(name string) *audit.Books {
	w.t.Helper()
	s := w.shops[name]
	db, err := store.ReadOnly(filepath.Join(s.dir, storeFolder))
	w.must(name+"'s store", err)
	defer db.Close()
	fed, ok, err := roster.Stored(db)
	if err == nil && !ok {
		err = errors.New("there is none")
	}
	w.must(name+"'s member list", err)
	list, err := roster.Open(roster.Config{Store: db, Federation: fed, Clock: w.clock})
	w.must(name+"'s member list", err)
	books, err := audit.Shop(s.id, db, protocol.Codec{}, protocol.NewVerifier(fed.Origin, everMember{list}))
	w.must(name+"'s books", err)
	return books
}

// everMember has the keys of those who left too: what they signed as members stays signed.
type everMember struct{ *roster.Roster }

func (m everMember) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	member, ok := m.Member(shop)
	return member.Key, ok
}

// auditAsFound audits the folders as they were packed, before any shop may mend anything.
func (w *oldWorld) auditAsFound() {
	w.t.Helper()
	acorn, birch, cedar, dogwood := w.books("acorn"), w.books("birch"), w.books("cedar"), w.books("dogwood")
	w.must("acorn and birch", audit.Pair(acorn, birch))
	w.must("acorn and cedar", audit.Pair(acorn, cedar))
	w.must("birch and cedar", audit.Pair(birch, cedar))
	w.frozen(birch, dogwood)
	if ours := birch.Ledgers[ledger.ID{Supplier: acorn.Shop, Retailer: birch.Shop}]; len(ours.Outbox) == 0 {
		w.t.Error("birch has no queued request: the folders do not hold what they are to hold")
	}
	if c := acorn.Ledgers[ledger.ID{Supplier: acorn.Shop, Retailer: birch.Shop}].Record.Chain; c.Acked >= c.Position {
		w.t.Error("acorn's ledger is countersigned: the folders do not hold what they are to hold")
	}
}

// frozen checks that the retailer keeps two entries of one position as evidence.
func (w *oldWorld) frozen(retailer, supplier *audit.Books) {
	w.t.Helper()
	c := retailer.Ledgers[ledger.ID{Supplier: supplier.Shop, Retailer: retailer.Shop}]
	if c == nil || !c.Record.Chain.Frozen || c.Evidence == nil {
		w.t.Errorf("the forked ledger is not frozen with its evidence: %+v", c)
	}
}

// showsTheSame runs each shop alone, as it was when the older version showed its lists.
func (w *oldWorld) showsTheSame() {
	w.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(w.made.Shown)) {
		s := w.shops[name]
		s.start()
		for path, want := range w.made.Shown[name] {
			got, err := callAPI(w.t.Context(), s.dir, "GET", path, "", nil)
			w.must(name+", "+path, err)
			for _, d := range differences(want, got) {
				w.t.Errorf("%s shows something else under %s: %s", name, path, d)
			}
		}
		s.stop()
	}
}

// passing are the fields that tell of the moment and of the network.
var passing = []string{"online", "connected", "direct", "way", "addresses", "transport", "last_seen", "as_of", "sellable", "why"}

// differences are what an answer has told and the other tells no more, or otherwise: a
// version may add fields, and takes none away.
func differences(before, after json.RawMessage) []string {
	var a, b any
	if err := errors.Join(json.Unmarshal(before, &a), json.Unmarshal(after, &b)); err != nil {
		return []string{err.Error()}
	}
	var found []string
	compareJSON("", a, b, func(where string, a, b any) { found = append(found, fmt.Sprintf("%s was %v and is %v", where, a, b)) })
	slices.Sort(found)
	return found
}

func compareJSON(where string, before, after any, differs func(where string, before, after any)) {
	switch a := before.(type) {
	case map[string]any:
		b, ok := after.(map[string]any)
		if !ok {
			differs(where, before, after)
			return
		}
		for k := range a {
			if !slices.Contains(passing, k) {
				compareJSON(where+"."+k, a[k], b[k], differs)
			}
		}
	case []any:
		b, ok := after.([]any)
		if !ok || len(a) != len(b) {
			differs(where, before, after)
			return
		}
		for i := range a {
			compareJSON(fmt.Sprintf("%s[%d]", where, i), a[i], b[i], differs)
		}
	default:
		if !reflect.DeepEqual(before, after) {
			differs(where, before, after)
		}
	}
}

// auditAfter audits all books after the shops have traded on: the ledgers are equal.
func (w *oldWorld) auditAfter() {
	w.t.Helper()
	acorn, birch, cedar, dogwood := w.books("acorn"), w.books("birch"), w.books("cedar"), w.books("dogwood")
	w.must("acorn and birch", audit.Healed(acorn, birch))
	w.must("acorn and cedar", audit.Healed(acorn, cedar))
	w.must("birch and cedar", audit.Healed(birch, cedar))
	w.frozen(birch, dogwood)
}
