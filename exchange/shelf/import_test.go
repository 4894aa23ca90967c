package shelf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/writer"
)

func item(sku exchange.SKU, cents, units int64) shelf.Item {
	return shelf.Item{
		Product: exchange.Product{SKU: sku, Title: "A " + string(sku), Grams: 300, Price: exchange.Money{Minor: cents, Currency: "EUR"}},
		Stock:   shelf.Figure{Set: true, Units: units},
	}
}

// idle is a shop with 10 shoes and 5 hats whose writer does nothing until a test asks it to.
func idle(t *testing.T) *desk.Desk {
	t.Helper()
	s := desktest.NewWorld(t, 1, 1).Shops[0]
	s.Stock("shoe", 10, 9900)
	s.Stock("hat", 5, 1250)
	cfg := s.Config()
	cfg.Inline = false
	d, err := desk.Open(cfg)
	desktest.Must(t, err)
	return d
}

// written calls do, which must queue one operation, and has the writer run it.
func written(t *testing.T, d *desk.Desk, do func() error) error {
	t.Helper()
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = do()
	}()
	op := d.Writer.NextBefore(done)
	if op == nil {
		t.Fatalf("no operation was queued: %v", err)
	}
	desktest.Must(t, d.Writer.Together([]*writer.Operation{op}))
	<-done
	return err
}

func changesOf(outcomes []shelf.Outcome) (changes []shelf.Change) {
	for _, o := range outcomes {
		changes = append(changes, o.Change)
	}
	return changes
}

// TestSameImport: an import that changes nothing does not use the writer.
func TestSameImport(t *testing.T) {
	d := idle(t)
	for name, same := range map[string][]shelf.Item{
		"same stock": {item("shoe", 9900, 10), item("hat", 1250, 5)},
		"no stock":   {item("shoe", 9900, 10), {Product: item("hat", 1250, 0).Product}},
	} {
		for _, dry := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dry %v", name, dry), func(t *testing.T) {
				changes, err := d.Shelf.Import(desktest.Ctx, shelf.Statement{DryRun: dry}, same)
				if err != nil || !slices.Equal(changesOf(changes), make([]shelf.Change, len(same))) {
					t.Errorf("%v, %v", changes, err)
				}
			})
		}
	}
}

// TestImport: an import says what it did with each item. The steps build on each other.
func TestImport(t *testing.T) {
	d := idle(t)
	for _, step := range []struct {
		name  string
		items []shelf.Item
		want  []shelf.Change
	}{
		{
			"new stock and a new product",
			[]shelf.Item{item("shoe", 9900, 10), item("hat", 1250, 6), item("cap", 900, 1)},
			[]shelf.Change{shelf.Unchanged, shelf.StockOnly, shelf.Added},
		},
		{
			"a new product and a new price",
			[]shelf.Item{item("cup", 500, 1), item("hat", 1250, 6), item("shoe", 9800, 10)},
			[]shelf.Change{shelf.Added, shelf.Unchanged, shelf.Changed},
		},
	} {
		t.Run(step.name, func(t *testing.T) {
			var changes []shelf.Change
			desktest.Must(t, written(t, d, func() error {
				outcomes, err := d.Shelf.Import(desktest.Ctx, shelf.Statement{}, step.items)
				changes = changesOf(outcomes)
				return err
			}))
			if !slices.Equal(changes, step.want) {
				t.Errorf("%v, want %v", changes, step.want)
			}
		})
	}
}

// TestBadImportWritesNothing: an item that breaks a rule fails its chunk, whether Import
// checks the rule before the writer's turn or in it.
func TestBadImportWritesNothing(t *testing.T) {
	s := desktest.NewWorld(t, 1, 1).Shops[0]
	s.Stock("shoe", 10, 9900)
	foreign, untitled := item("cap", 900, 1), item("cap", 900, 1)
	foreign.Product.Price.Currency, untitled.Product.Title = "SEK", ""
	for name, bad := range map[string]shelf.Item{
		"foreign currency": foreign, "no title": untitled, "impossible stock": item("cap", 900, hold.MaxShelf+1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{}, []shelf.Item{item("shoe", 100, 3), bad}); err == nil {
				t.Error("the item is taken")
			}
		})
	}
	// Which of the two items would win depends on what is committed already.
	for _, dry := range []bool{false, true} {
		_, err := s.Desk.Shelf.Import(desktest.Ctx, shelf.Statement{DryRun: dry}, []shelf.Item{item("shoe", 100, 3), item("shoe", 9900, 10)})
		if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), "shoe") {
			t.Errorf("one product twice, dry %v: %v", dry, err)
		}
	}
	stock, err := s.Desk.Shelf.Stock("shoe")
	desktest.Must(t, err)
	if rec, err := s.Desk.Shelf.Product("shoe"); err != nil || rec.Product.Price.Minor != 9900 || stock.Shelf() != 10 {
		t.Errorf("%+v, %+v, %v", rec, stock, err)
	}
}
