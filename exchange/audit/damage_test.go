package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// market is a supplier and its retailer with a bit of everything: holds that are held,
// released and ordered, orders that are shipped, cancelled and waiting.
func market(t *testing.T) (w *desktest.World, acorn, birch *desktest.Shop) {
	w, acorn, birch = desktest.Pair(t)
	desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	shipped := desktest.Buy(t, birch, acorn, "shoe", 2)
	cancelled := desktest.Buy(t, birch, acorn, "hat", 1)
	w.Settle()
	_, err := acorn.Desk.Supplier.ShipOrder(desktest.Ctx, shipped.ID, []order.Units{{SKU: "shoe", Units: 1}}, "Post", "T1")
	desktest.Must(t, err)
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, cancelled.ID, nil, "")
	desktest.Must(t, err)
	w.Settle()
	acorn.Policy.AcceptByHand = true
	acorn.Restart()
	desktest.Buy(t, birch, acorn, "hat", 1)
	w.Settle()
	return w, acorn, birch
}

func check(t testing.TB, s *desktest.Shop, db kv.Store) *audit.Report {
	t.Helper()
	_, report, err := audit.Check{Shop: s.ID, Store: db, Codec: protocol.Codec{}, Verifier: s.W.Verifier()}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

type row struct{ key, value []byte }

func rows(t testing.TB, db kv.Store) (all []row) {
	t.Helper()
	for r, err := range kv.Rows(db, kv.Range{}) {
		desktest.Must(t, err)
		all = append(all, row{slices.Clone(r.Key), slices.Clone(r.Value)})
	}
	return all
}

func prefixOf(key []byte) string { return string(key[:bytes.IndexByte(key, '/')+1]) }

func TestSoundBooks(t *testing.T) {
	_, acorn, birch := market(t)
	for _, s := range []*desktest.Shop{acorn, birch} {
		report := check(t, s, s.Mem)
		if len(report.Faults)+len(report.Findings) > 0 {
			t.Errorf("%s: %v, %v", s.Name, report.Faults, report.Findings)
		}
		if c := report.Count; c.Ledgers != 1 || c.Replayed != 1 || c.Entries == 0 || c.Sales+c.Purchases != 3 {
			t.Errorf("%s: checked %+v", s.Name, c)
		}
	}
}

// TestEveryRowCounts takes out, garbles and replaces each row of each shop in turn. No
// damage stops the check, and of the rows that nothing may erase none does so unseen.
func TestEveryRowCounts(t *testing.T) {
	_, acorn, birch := market(t)
	// Erased by a setting, made again, pruned, or of another package.
	mayGo := []string{"a/", "c/", "d/", "p/", "r/", "members/", "addr/", "k/", "xm/", "sn/"}
	// As before, and rows without a value or with one that is nobody's record.
	mayChange := []string{"c/", "d/", "a/", "hx/", "ox/", "members/", "addr/", "k/", "xm/", "sn/"}
	for _, s := range []*desktest.Shop{acorn, birch} {
		all := rows(t, s.Mem)
		if len(all) < 20 {
			t.Fatalf("%s has %d rows", s.Name, len(all))
		}
		for i, r := range all {
			for what, spoil := range map[string]struct {
				write  kv.Write
				unseen []string
			}{
				"missing":         {kv.Write{Key: r.key, Delete: true}, mayGo},
				"cut":             {kv.Write{Key: r.key, Value: r.value[:len(r.value)/2]}, append(mayChange, "p/", "s/", "m", "")},
				"flipped":         {kv.Write{Key: r.key, Value: flip(r.value)}, append(mayChange, "p/", "r/", "s/", "h/", "f/", "j/", "g/", "m", "")},
				"another record":  {kv.Write{Key: r.key, Value: all[(i+len(all)/2)%len(all)].value}, mayChange},
				"empty":           {kv.Write{Key: r.key}, append(mayChange, "p/", "s/", "m", "")},
				"under a cut key": {kv.Write{Key: r.key[:max(1, len(r.key)-3)], Value: r.value}, append(mayGo, "s/")},
			} {
				if string(spoil.write.Key) == string(r.key) && !spoil.write.Delete && string(spoil.write.Value) == string(r.value) {
					continue
				}
				db := s.Mem.Clone()
				desktest.Must(t, db.Commit([]kv.Write{spoil.write}))
				faults := check(t, s, db).Faults
				for _, f := range faults {
					if strings.Contains(f.What, "no sense") {
						t.Errorf("%s, %q %s: the check panicked: %v", s.Name, r.key, what, f)
					}
				}
				if len(faults) == 0 && !slices.Contains(spoil.unseen, prefixOf(r.key)) {
					t.Errorf("%s, %q %s: nobody sees it", s.Name, r.key, what)
				}
			}
		}
	}
}

func flip(value []byte) []byte {
	out := slices.Clone(value)
	if len(out) > 0 {
		out[len(out)/2] ^= 0x10
	}
	return out
}

// TestMissingEntry: a gap is named once, not all that would follow from it.
func TestMissingEntry(t *testing.T) {
	_, acorn, _ := market(t)
	var entries [][]byte
	for _, r := range rows(t, acorn.Mem) {
		if prefixOf(r.key) == "e/" {
			entries = append(entries, r.key)
		}
	}
	for _, c := range []struct {
		name string
		gone [][]byte
		says string
	}{
		{"in the middle", entries[2:3], "entry 3 is missing"},
		{"two", entries[2:4], "of the entries 3 to 4, 2 are missing"},
		{"at the end", entries[len(entries)-1:], "is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := acorn.Mem.Clone()
			for _, key := range c.gone {
				desktest.Must(t, db.Commit([]kv.Write{{Key: key, Delete: true}}))
			}
			faults := check(t, acorn, db).Faults
			if len(faults) != 1 || !strings.Contains(faults[0].What, c.says) || !strings.Contains(faults[0].Where, "ledger") {
				t.Errorf("faults: %v", faults)
			}
		})
	}
}

// TestFindings: what a shop met and dealt with is told, and is no fault.
func TestFindings(t *testing.T) {
	w, acorn, birch := market(t)
	backup := acorn.Mem.Clone()
	_, err := acorn.Desk.Shelf.SetStock(desktest.Ctx, "shoe", 1, false)
	desktest.Must(t, err)
	report := check(t, acorn, acorn.Mem)
	wantFindings(t, report, audit.Shortfall)

	desktest.Buy(t, birch, acorn, "hat", 1)
	w.Settle()
	acorn.Mem = backup
	acorn.Restart()
	w.Greet(acorn, birch)
	wantFindings(t, check(t, acorn, acorn.Mem), audit.Stopped)
}

// TestFrozen: a ledger that its supplier told in two ways, and the evidence, which has to
// prove something.
func TestFrozen(t *testing.T) {
	w := desktest.NewWorld(t, 1, 2)
	evil, birch := w.Shops[0], w.Shops[1]
	for i := range 2 {
		terms := exchange.DefaultTerms("EUR")
		terms.Discount = exchange.BasisPoints(i)
		payload, err := protocol.Codec{}.Encode(&message.Entry{
			Link: ledger.Link{Supplier: evil.ID, Retailer: birch.ID, Position: 1, At: w.Now}, Own: message.ProposeTerms{Terms: terms},
		})
		desktest.Must(t, err)
		sealed, err := protocol.NewSigner(evil.Key, desktest.Origin, nil).Seal([][]byte{payload})
		desktest.Must(t, err)
		push, err := message.Frame(protocol.Codec{}, &message.Push{Entries: sealed})
		desktest.Must(t, err)
		if _, err = birch.Desk.Serve(desktest.Ctx, evil.ID, push); i == 0 {
			desktest.Must(t, err)
		}
	}
	wantFindings(t, check(t, birch, birch.Mem), audit.Frozen)

	for _, r := range rows(t, birch.Mem) {
		if prefixOf(r.key) != record.PrefixEntry {
			continue
		}
		forged := &record.Evidence{Supplier: evil.ID, Retailer: birch.ID, Position: 1, Theirs: flip(r.value), Why: "x", At: w.Now}
		raw, err := record.Encode(protocol.Codec{}, forged)
		desktest.Must(t, err)
		desktest.Must(t, birch.Mem.Commit([]kv.Write{{Key: record.EvidenceKey(ledger.ID{Supplier: evil.ID, Retailer: birch.ID}), Value: raw}}))
	}
	if report := check(t, birch, birch.Mem); len(report.Faults) != 1 || report.Faults[0].Rule != audit.Signed {
		t.Errorf("forged evidence: %v", report.Faults)
	}
}

// TestQuarantineIsNoFault: a hold that stands, and whose index row is in quarantine.
func TestQuarantineIsNoFault(t *testing.T) {
	_, acorn, _ := market(t)
	db := acorn.Mem.Clone()
	var writes []kv.Write
	for _, r := range rows(t, db) {
		if p := prefixOf(r.key); p == "hx/" || p == "ox/" {
			writes = append(writes, kv.Write{Key: r.key, Delete: true}, kv.Write{Key: append([]byte("y/"), r.key...), Value: []byte("why")})
		}
	}
	desktest.Must(t, db.Commit(writes))
	wantFindings(t, check(t, acorn, db), audit.Quarantine, audit.Quarantine)
}

func wantFindings(t *testing.T, report *audit.Report, kinds ...audit.FindingKind) {
	t.Helper()
	var got []audit.FindingKind
	for _, f := range report.Findings {
		got = append(got, f.Kind)
	}
	if len(report.Faults) > 0 || !slices.Equal(got, kinds) {
		t.Errorf("faults %v, findings %+v, want %v", report.Faults, report.Findings, kinds)
	}
}

// TestOlderPartner: of two folders of different times the comparison says so.
func TestOlderPartner(t *testing.T) {
	w, acorn, birch := market(t)
	older := acorn.Mem.Clone()
	desktest.Buy(t, birch, acorn, "hat", 1)
	w.Settle()
	books := func(s *desktest.Shop, db *store.Mem) *audit.Books {
		b, err := audit.Shop(s.ID, db, protocol.Codec{}, w.Verifier())
		desktest.Must(t, err)
		return b
	}
	now := books(birch, birch.Mem)
	if r := audit.Compare(books(acorn, acorn.Mem), now); len(r.Faults)+len(r.Findings) > 0 {
		t.Errorf("two of the same time: %+v", r)
	}
	if r := audit.Compare(books(acorn, older), now); len(r.Faults) == 0 || !strings.Contains(r.Faults[len(r.Faults)-1].What, "older") {
		t.Errorf("the supplier's is older: %v", r.Faults)
	}
}
