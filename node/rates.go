package node

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/store/durable"
)

// The US dollar rate: a view of prices for who compares them. Nothing waits for one, neither an
// import nor a sale.

const (
	// ratesOld is when `souk doctor` calls the ECB's rates old: the ECB publishes on working
	// days, and Easter has four days without. A rate stated by hand has fixedOld.
	ratesOld = 7 * 24 * time.Hour
	fixedOld = 90 * 24 * time.Hour
	// rateAhead is how far a rate's day may be ahead of the present one, which it is by
	// another zone's calendar.
	rateAhead = 24 * time.Hour
)

// SetRates takes the ECB's reference rates or a rate that the owner states
// ([inventory.FixedRate]): quotes use the new rate at once, products are rewritten where they
// had no price in US dollars or it moves by 1%. The rate is kept in the shop's folder, if it
// has one. It fails with CodeStale for a rate that is older than the one in force, unless
// o allows that, and with CodeInvalid for one of a day to come.
func (s *Shop) SetRates(ctx context.Context, r io.Reader, o api.RatesOptions) (*api.RatesReport, error) {
	data, err := io.ReadAll(io.LimitReader(r, inventory.MaxRatesBytes+1))
	if err != nil {
		return nil, err
	}
	rate, kept, err := readRate(data, s.desk.Shelf.Currency(), dayOf(s.now()))
	if err != nil {
		return nil, err
	}
	if err := s.takeRate(rate, kept, o); err != nil {
		return nil, err
	}
	s.keepRates(kept)
	n, err := s.desk.Shelf.Reprice(ctx)
	return &api.RatesReport{Rate: rate, Rewritten: n}, err
}

// takeRate puts a rate in force and keeps the file that it came from, one at a time.
func (s *Shop) takeRate(rate exchange.Rate, file []byte, o api.RatesOptions) error {
	s.rating.Lock()
	defer s.rating.Unlock()
	s.mu.Lock()
	policy := s.policy
	s.mu.Unlock()
	if err := mayReplace(policy.Rate, rate, s.now(), o.AllowOlder); err != nil {
		return err
	}
	if s.parts.Folder != "" {
		if err := durable.Write(filepath.Join(s.parts.Folder, ratesName), file, 0o644); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy.Rate = rate
	return s.desk.SetPolicy(s.policy)
}

// mayReplace judges the day of a rate that is to replace another. A rate in force that is of a
// day to come, as earlier versions took, is a mistake and gives way to any.
func mayReplace(inForce, next exchange.Rate, now exchange.Time, allowOlder bool) error {
	last := dayOf(now.Add(rateAhead))
	switch {
	case next.From == exchange.USD: // the rate of dollars to dollars is of any day
		return nil
	case next.Date > last:
		return exchange.Errorf(exchange.CodeInvalid, "the rates are of %s, a day to come: today is %s. See whether the file is right, and this machine's clock", next.Date, dayOf(now))
	case next.Date < inForce.Date && inForce.Date <= last && !allowOlder:
		return exchange.Errorf(exchange.CodeStale, "the rates are of %s, older than the one in force: %s (%s). If they are meant, say so: souk catalog rates --allow-older, or allow_older=true", next.Date, inForce.Date, inForce.Source)
	}
	return nil
}

// readRate reads the rate of c out of a rates file, or one that is stated by hand, of the given
// day unless it names one. kept is what stands for it in the folder.
func readRate(data []byte, c exchange.Currency, day string) (rate exchange.Rate, kept []byte, err error) {
	if inventory.IsFixedRate(data) {
		fixed, err := inventory.ReadFixedRate(data, c, day)
		if err != nil {
			return rate, nil, err
		}
		if kept, err = json.Marshal(fixed); err != nil {
			return rate, nil, err
		}
		rate, err = fixed.Rate()
		return rate, kept, err
	}
	rates, err := inventory.ReadRates(bytes.NewReader(data))
	if err != nil {
		return rate, nil, err
	}
	rate, err = rates.USD(c)
	return rate, data, err
}

// rateProblems says that there is no rate, or one that is not of these days.
func (s *Shop) rateProblems() []api.Problem {
	s.mu.Lock()
	rate, c, now := s.policy.Rate, s.parts.Config.Currency, s.now()
	s.mu.Unlock()
	const next = "Take " + inventory.RatesURL + " and run souk catalog rates FILE, or state a rate: souk catalog rates --fixed RATE"
	problem := func(detail string) []api.Problem { return []api.Problem{{Name: "rates", Detail: detail}} }
	old := ratesOld
	if rate.Source == inventory.FixedSource {
		old = fixedOld
	}
	switch {
	case c == exchange.USD:
	case !rate.Known():
		return problem("there is no US dollar rate for " + string(c) + ": products sell without a price in US dollars, and not to shops whose version of Souk needs one. " + next)
	case rate.Date > dayOf(now.Add(rateAhead)):
		return problem("the US dollar rate is of " + rate.Date + ", a day to come. " + next)
	case now.Sub(dateOf(rate.Date)) > old:
		return problem("the US dollar rate (" + rate.Source + ") is of " + rate.Date + ". " + next)
	}
	return nil
}

// dayOf is the day of t in UTC, YYYY-MM-DD.
func dayOf(t exchange.Time) string { return t.Std().UTC().Format(time.DateOnly) }

// dateOf is the start of a day YYYY-MM-DD, UTC; 0 where it is none.
func dateOf(day string) exchange.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return exchange.TimeOf(t)
}
