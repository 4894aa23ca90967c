package exchange

// CheckSums verifies a received quote's arithmetic by its format: what a retailer can check
// without knowing the supplier's catalog. It fails with CodeInvalid where a
// figure does not add up or the format is not known, and CodeOverflow where one leaves 64 bits.
func (q *Quote) CheckSums() error {
	if len(q.Lines) == 0 || len(q.Lines) > MaxLines {
		return Errorf(CodeInvalid, "the quote has %d lines; 1 to %d are allowed", len(q.Lines), MaxLines)
	}
	if q.Shipping < 0 || q.USDShipping < 0 {
		return Errorf(CodeInvalid, "the quote's shipping is negative")
	}
	switch q.Format {
	case QuoteByUnit:
		return q.checkByUnit()
	case QuoteByLine:
		return q.checkByLine()
	}
	return Errorf(CodeInvalid, "quote format %d is unknown; the supplier may run a newer version", q.Format)
}

func (q *Quote) checkByUnit() error {
	if q.Discount != 0 {
		return Errorf(CodeInvalid, "a quote of format 1 names no discount; its unit prices have it")
	}
	native, usd := sum{n: q.Shipping}, sum{n: q.USDShipping}
	for i := range q.Lines {
		l := &q.Lines[i]
		if !l.addsUp() {
			return errLine(l)
		}
		if l.SnapshotSize() > 0 || l.Cut {
			return Errorf(CodeInvalid, "a quote of format 1 has no options, barcodes or images; its line for %s has", l.SKU)
		}
		native.add(l.Total)
		usd.add(l.USDTotal)
	}
	if native.overflow || usd.overflow {
		return errOverflow
	}
	if native.n != q.Total || usd.n != q.USDTotal {
		return errTotal
	}
	return nil
}

func (l *QuoteLine) addsUp() bool {
	if l.Quantity.Check() != nil || l.Unit < 0 || l.Unit > l.List || l.USDUnit < 0 {
		return false
	}
	total, ok1 := mul64(l.Unit, int64(l.Quantity))
	usdTotal, ok2 := mul64(l.USDUnit, int64(l.Quantity))
	return ok1 && ok2 && total == l.Total && usdTotal == l.USDTotal
}

func (q *Quote) checkByLine() error {
	if q.Discount > Whole {
		return Errorf(CodeInvalid, "the quote's discount of %d basis points is more than all", q.Discount)
	}
	native, room := sum{n: q.Shipping}, MaxSnapshots/len(q.Lines)
	for i := range q.Lines {
		l := &q.Lines[i]
		if l.Quantity.Check() != nil || l.List < 0 || l.Unit != 0 || l.USDUnit != 0 {
			return errLine(l)
		}
		total, err := discounted(l.List, int64(l.Quantity), q.Discount)
		if err != nil {
			return err
		}
		if total != l.Total {
			return errLine(l)
		}
		if err := q.checkCents(l.Total, l.USDTotal); err != nil {
			return err
		}
		if size := l.SnapshotSize(); size > room {
			return Errorf(CodeInvalid, "the quote's line for %s has %d bytes of options, barcode and image; %d are allowed", l.SKU, size, room)
		}
		native.add(l.Total)
	}
	if native.overflow {
		return errOverflow
	}
	if native.n != q.Total {
		return errTotal
	}
	if err := q.checkCents(q.Shipping, q.USDShipping); err != nil {
		return err
	}
	return q.checkCents(q.Total, q.USDTotal)
}

// checkCents checks that an amount of format 2 is converted by the quote's own rate.
func (q *Quote) checkCents(minor, cents int64) error {
	want, err := q.Cents(minor)
	if err == nil && want != cents {
		err = Errorf(CodeInvalid, "the quote's %v are %d US cents by its rate, not %d", Money{minor, q.Currency}, want, cents)
	}
	return err
}

func errLine(l *QuoteLine) error {
	return Errorf(CodeInvalid, "the quote's line for %s does not add up", l.SKU)
}

var errTotal = Errorf(CodeInvalid, "the quote's total does not add up")
