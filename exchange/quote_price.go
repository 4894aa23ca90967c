package exchange

// Offer is what PriceQuote needs to know of a product. The quote shares Options with it.
type Offer struct {
	Title   string
	List    int64 // catalog price of one unit, minor units ≥ 0
	Grams   int64 // shipping weight of one unit, ≥ 0; 0 = none
	Options []Option
	Barcode string
	Image   string
	// NoShipping: nothing is sent, whatever the weight. A quote of such products alone has no
	// shipping, and no zone refuses it.
	NoShipping bool
}

// PriceQuote fills q's lines, shipping and totals from the catalog prices
// (design: Holds and orders), by q.Format:
//
//	format 2: line = list × quantity − floor(list × quantity × discount / 10,000);
//	          USD of a line, of shipping and of the total = round-half-up(amount × rate),
//	          each on its own, so that lines may differ from the total by a few cents
//	format 1: unit = list − floor(list × discount / 10,000); line = unit × quantity;
//	          USD unit = round-half-up(unit × rate), then × quantity
//
// q.Format, q.Country, q.Currency and q.Rate must be set; a zero rate leaves format 2 without
// dollars. offer is asked for each line's product, and its error returned. It fails with
// CodeInvalid for an offer that cannot be priced, CodeCountry where the supplier does not
// ship there, CodeCurrency and, in format 1, CodeNoRate where the rate does not fit, and
// CodeOverflow where a sum leaves 64 bits; q is then as it was.
func PriceQuote(q *Quote, lines Lines, offer func(SKU) (Offer, error), discount BasisPoints, table ShippingTable) error {
	priced := *q
	priced.Lines = make([]QuoteLine, 0, lines.Len())
	if q.Format != QuoteByUnit {
		priced.Discount = discount
	}
	var grams int64
	sent := false
	var native, usd sum
	for _, l := range lines.list {
		o, err := offer(l.SKU)
		if err != nil {
			return err
		}
		line, err := priced.line(l, o, discount)
		if err != nil {
			return err
		}
		native.add(line.Total)
		usd.add(line.USDTotal)
		if !o.NoShipping {
			sent = true
			weight, ok1 := mul64(o.Grams, int64(l.Quantity))
			var ok2 bool
			grams, ok2 = add64(grams, weight)
			if !ok1 || !ok2 {
				return errOverflow
			}
		}
		if q.Format != QuoteByUnit {
			line.snapshot(&o, MaxSnapshots/lines.Len())
		}
		priced.Lines = append(priced.Lines, line)
	}
	var err error
	priced.Shipping = 0
	if sent {
		if priced.Shipping, err = table.Price(priced.Country, grams); err != nil {
			return err
		}
	}
	if priced.USDShipping, err = priced.Cents(priced.Shipping); err != nil {
		return err
	}
	native.add(priced.Shipping)
	usd.add(priced.USDShipping)
	if native.overflow || q.Format == QuoteByUnit && usd.overflow {
		return errOverflow
	}
	priced.Total, priced.USDTotal = native.n, usd.n
	if q.Format != QuoteByUnit {
		if priced.USDTotal, err = priced.Cents(priced.Total); err != nil {
			return err
		}
	}
	*q = priced
	return nil
}

func (q *Quote) line(l Line, o Offer, discount BasisPoints) (QuoteLine, error) {
	if o.Grams < 0 {
		return QuoteLine{}, Errorf(CodeInvalid, "%s weighs %d g; a weight is not negative", l.SKU, o.Grams)
	}
	line := QuoteLine{SKU: l.SKU, Title: o.Title, Quantity: l.Quantity, List: o.List}
	var err error
	if q.Format != QuoteByUnit {
		if line.Total, err = discounted(o.List, int64(l.Quantity), discount); err == nil {
			line.USDTotal, err = q.Cents(line.Total)
		}
		return line, err
	}
	if line.Unit, err = Discount(o.List, discount); err != nil {
		return line, err
	}
	if line.USDUnit, err = q.Cents(line.Unit); err != nil {
		return line, err
	}
	var ok1, ok2 bool
	line.Total, ok1 = mul64(line.Unit, int64(l.Quantity))
	line.USDTotal, ok2 = mul64(line.USDUnit, int64(l.Quantity))
	if !ok1 || !ok2 {
		return line, errOverflow
	}
	return line, nil
}

// Cents converts an amount of q by its rate: 0 where format 2 has none.
func (q *Quote) Cents(minor int64) (int64, error) {
	switch {
	case q.Rate.Known():
	case q.Format == QuoteByUnit:
		return 0, Errorf(CodeNoRate, "a quote of format 1 needs a US dollar rate for %s", q.Currency)
	default:
		return 0, nil
	}
	return q.Rate.Cents(Money{minor, q.Currency})
}

// discounted is list × n less the discount, which is rounded down; n ≥ 0.
func discounted(list, n int64, discount BasisPoints) (int64, error) {
	total, ok := mul64(list, n)
	if !ok {
		return 0, errOverflow
	}
	return Discount(total, discount)
}

// MaxSnapshots bounds what all lines of a quote say of their products beside the title, in
// bytes as they are encoded, at most. The lines share it evenly, whatever each of them needs:
// up to five lines have room for ten options and a barcode and image at their limits, each of
// [MaxLines] lines for 512 bytes, three times what a usual product has.
const MaxSnapshots = 32 << 10

// snapshotItem is what an option, a barcode or an image takes beside its text.
const snapshotItem = 10

// snapshot copies what fits room of a product into its line: first the options, which tell
// what to pack, then the barcode, then the image. What does not fit is left out whole.
func (l *QuoteLine) snapshot(o *Offer, room int) {
	fits := func(bytes int) bool {
		if bytes += snapshotItem; bytes > room {
			l.Cut = true
			return false
		}
		room -= bytes
		return true
	}
	for i, option := range o.Options {
		if !fits(len(option.Name) + len(option.Value)) {
			break
		}
		l.Options = o.Options[: i+1 : i+1]
	}
	if o.Barcode != "" && fits(len(o.Barcode)) {
		l.Barcode = o.Barcode
	}
	if o.Image != "" && fits(len(o.Image)) {
		l.Image = o.Image
	}
}

// SnapshotSize is what a line's snapshots take, as [MaxSnapshots] counts.
func (l *QuoteLine) SnapshotSize() int {
	n := 0
	for _, o := range l.Options {
		n += len(o.Name) + len(o.Value) + snapshotItem
	}
	for _, text := range [...]string{l.Barcode, l.Image} {
		if text != "" {
			n += len(text) + snapshotItem
		}
	}
	return n
}

// sum adds amounts and remembers whether one of the additions left 64 bits.
type sum struct {
	n        int64
	overflow bool
}

func (s *sum) add(n int64) {
	var ok bool
	s.n, ok = add64(s.n, n)
	s.overflow = s.overflow || !ok
}
