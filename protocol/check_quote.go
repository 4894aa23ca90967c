package protocol

import (
	"strings"

	"github.com/souk-market/souk/exchange"
)

// The rules of quotes, of every format.

func checkQuote(q *exchange.Quote) error {
	if err := checkParties(&q.Supplier, &q.Retailer); err != nil {
		return err
	}
	if err := checkID(&q.Hold); err != nil {
		return err
	}
	if err := q.CheckSums(); err != nil {
		return err
	}
	if err := checkTimes(q.Issued, q.Expires); err != nil {
		return err
	}
	for i := range q.Lines {
		if _, err := exchange.ParseSKU(string(q.Lines[i].SKU)); err != nil {
			return err
		}
		if err := checkText("a title", q.Lines[i].Title, exchange.MaxTitle); err != nil {
			return err
		}
		if err := checkSnapshot(&q.Lines[i]); err != nil {
			return err
		}
	}
	if err := exchange.CheckCountry(q.Country); err != nil {
		return err
	}
	if err := q.Currency.Check(); err != nil {
		return err
	}
	if q.Format == exchange.QuoteByUnit || q.Rate != (exchange.Rate{}) {
		if err := checkRate(&q.Rate); err != nil {
			return err
		}
	}
	if q.Tax.Treatment > exchange.TaxNone || q.Tax.Rate > exchange.Whole {
		return errorf("tax treatment %d at %d basis points is unknown", q.Tax.Treatment, q.Tax.Rate)
	}
	if q.AcceptWithin < 0 || q.AcceptWithin > exchange.MaxAcceptWithin {
		return errorf("accept-within is at most %v, not %v", exchange.MaxAcceptWithin, q.AcceptWithin)
	}
	return checkCancel(q.Cancel)
}

// checkSnapshot holds what a line says of its product to the rules of a catalog's record.
func checkSnapshot(l *exchange.QuoteLine) error {
	for _, o := range l.Options {
		if err := checkText("an option's name", o.Name, exchange.MaxText); err != nil {
			return err
		}
		if err := checkText("an option's value", o.Value, exchange.MaxText); err != nil {
			return err
		}
	}
	if l.Image != "" && !strings.HasPrefix(l.Image, "https://") && !strings.HasPrefix(l.Image, "http://") {
		return errorf("the image of %s, %.40q, is not a web address", l.SKU, l.Image)
	}
	if err := checkText("a barcode", l.Barcode, exchange.MaxText); err != nil {
		return err
	}
	return checkText("an image's address", l.Image, exchange.MaxURL)
}

func checkRate(r *exchange.Rate) error {
	if err := r.Check(); err != nil {
		return err
	}
	if len(r.Text) > exchange.MaxText || len(r.Source) > exchange.MaxText || len(r.Date) > exchange.MaxText {
		return errorf("a text of the rate has more than %d bytes", exchange.MaxText)
	}
	return nil
}
