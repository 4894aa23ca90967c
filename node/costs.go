package node

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
)

// What a partner's product costs this shop, and what that is in its own currency.

// keepRates has the rates of a file, which was read before, convert what is shown from now on.
func (s *Shop) keepRates(data []byte) {
	if rates, err := inventory.ReadRates(bytes.NewReader(data)); err == nil {
		s.rates.Store(rates)
	}
}

// openRates reads the rates that the folder has, if any.
func (s *Shop) openRates() error {
	if s.parts.Folder == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(s.parts.Folder, ratesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.keepRates(data)
	}
	return err
}

// costs says what a partner's product costs by the terms in force, and price and cost in this
// shop's currency by its newest rates.
func (s *Shop) costs(f *api.FoundProduct) {
	if f.Own {
		return
	}
	price := f.Product.Price
	terms, ok := s.desk.Partnerships.BuyTerms(f.ID.Shop)
	if ok && terms.Currency == price.Currency {
		if unit, err := exchange.Discount(price.Minor, terms.Discount); err == nil {
			f.Cost, f.Discount = &exchange.Money{Minor: unit, Currency: price.Currency}, terms.Discount
		}
	}
	rates, own := s.rates.Load(), s.desk.Shelf.Currency()
	if rates == nil || own == price.Currency {
		return
	}
	shown, err := rates.Convert(price, own)
	if err != nil {
		return // no rate, or an amount beyond 64 bits: it is not shown
	}
	f.Here = &api.HerePrice{Price: shown.Money, Rate: shown.Rate, Source: shown.Source, Date: shown.Date}
	if f.Cost == nil {
		return
	}
	if cost, err := rates.Convert(*f.Cost, own); err == nil {
		f.Here.Cost = &cost.Money
	}
}
