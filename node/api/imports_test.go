package api_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/inventory"
)

const uncounted = `{"sku":"sock","title":"Sock","price":"3.00"}`

// TestOwnersWordOnStockStays: the file that said nothing, imported again without the
// owner's word, neither changes the stock nor reports that it is gone.
func TestOwnersWordOnStockStays(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	words := func(file string, word inventory.Untracked) (changed bool, kept, units int64) {
		t.Helper()
		r := must(s.Import(ctx, strings.NewReader(file), client.ImportOptions{Untracked: word}, nil))(t)
		return r.Added+r.Changed+r.StockOnly > 0, r.UntrackedKept, must(s.desk().Shelf.Stock("sock"))(t).Shelf()
	}
	five := must(inventory.UntrackedUnits(5))(t)
	if changed, kept, units := words(uncounted, inventory.Untracked{}); !changed || kept != 0 || units != 0 {
		t.Errorf("without a word: changed %v, %d kept, %d units", changed, kept, units)
	}
	if changed, kept, units := words(uncounted, five); !changed || kept != 0 || units != 5 {
		t.Errorf("with the word: changed %v, %d kept, %d units", changed, kept, units)
	}
	more := uncounted + "\n" + `{"sku":"new","title":"New","price":"1.00"}`
	if changed, kept, units := words(uncounted, inventory.Untracked{}); changed || kept != 1 || units != 5 {
		t.Errorf("again without it: changed %v, %d kept, %d units", changed, kept, units)
	}
	if changed, kept, units := words(more, inventory.Untracked{}); !changed || kept != 1 || units != 5 {
		t.Errorf("with a new product: changed %v, %d kept, %d units", changed, kept, units)
	}
	if _, kept, units := words(uncounted, inventory.UntrackedUnavailable); kept != 0 || units != 0 {
		t.Errorf("made unavailable: %d kept, %d units", kept, units)
	}
}

func TestFreeProductsAreAskedFor(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	file := `{"sku":"sample","title":"Sample","price":0}`
	r := must(s.Import(ctx, strings.NewReader(file), client.ImportOptions{}, nil))(t)
	if r.Added != 0 || r.ErrorCount != 1 {
		t.Errorf("%+v", r)
	}
	r = must(s.Import(ctx, strings.NewReader(file), client.ImportOptions{Free: true}, nil))(t)
	if r.Added != 1 || r.Free != 1 {
		t.Errorf("%+v", r)
	}
}

// TestStrictReportsNothingDone: a strict import that is refused counts no changes,
// since none were made.
func TestStrictReportsNothingDone(t *testing.T) {
	s := lone(t)
	var file strings.Builder
	for i := range 500 { // more than one chunk
		file.WriteString(strings.Replace(uncounted, "sock", "sock-"+strings.Repeat("x", i%100)+string(rune('a'+i/100)), 1) + "\n")
	}
	file.WriteString("{}\n")
	r, err := s.Import(waiting(t), strings.NewReader(file.String()), client.ImportOptions{Strict: true}, nil)
	wantCode(t, "a bad row", err, exchange.CodeInvalid)
	if r == nil || r.Added != 0 || r.DryRun || r.ErrorCount != 1 {
		t.Errorf("%+v", r)
	}
}
