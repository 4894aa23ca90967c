package trade_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
)

// TestListedProposalIsFound: who sees a proposal listed can answer it, also in the moment between the
// commit that brings the first entry of a ledger and what follows it in memory.
func TestListedProposalIsFound(t *testing.T) {
	w := desktest.NewWorld(t, 1, 2)
	acorn, birch := w.Shops[0], w.Shops[1]
	cfg, listed := birch.Config(), 0
	cfg.Store = &commitHook{Store: cfg.Store, then: func() {
		list, err := birch.Desk.Partnerships.List()
		desktest.Must(t, err)
		for _, p := range list {
			listed++
			got, err := birch.Desk.Partnerships.Get(acorn.ID, exchange.Retailer)
			desktest.Must(t, err)
			if got.Position != p.Position || got.State.Open.Hash != p.State.Open.Hash {
				t.Errorf("listed with a proposal in entry %d, found with entry %d", p.Position, got.Position)
			}
		}
	}}
	var err error
	birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	desktest.Must(t, acorn.Desk.Partnerships.Propose(desktest.Ctx, birch.ID, exchange.Supplier, exchange.DefaultTerms("EUR")))
	w.Settle()
	if listed == 0 {
		t.Error("no proposal has come")
	}
}

// commitHook is a store that runs then after each commit, before its writer hears of it.
type commitHook struct {
	kv.Store
	then func()
}

func (s *commitHook) Commit(writes []kv.Write) error {
	err := s.Store.Commit(writes)
	if s.then != nil {
		s.then()
	}
	return err
}
