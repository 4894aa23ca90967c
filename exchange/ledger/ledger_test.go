package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
)

var (
	acorn = exchange.ShopID{1}
	birch = exchange.ShopID{2}
)

// hashOf stands in for the hash of an entry's bytes: it differs where the link does.
func hashOf(l ledger.Link) ledger.Hash {
	var b []byte
	b = append(b, l.Supplier[:]...)
	b = append(b, l.Retailer[:]...)
	b = binary.BigEndian.AppendUint64(b, l.Position)
	b = append(b, l.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(l.At))
	b = binary.BigEndian.AppendUint64(b, l.Number)
	return sha256.Sum256(b)
}

// grown is a chain of three entries at times 100 to 300, the second of which
// answers request 1.
func grown(t *testing.T) (ledger.Chain, []ledger.Link) {
	t.Helper()
	c := ledger.Chain{Supplier: acorn, Retailer: birch}
	var links []ledger.Link
	for i, number := range []uint64{0, 1, 0} {
		l := c.Next(exchange.Time(100*(i+1)), number)
		next, err := c.Append(l, hashOf(l))
		if err != nil {
			t.Fatal(err)
		}
		c, links = next, append(links, l)
	}
	return c, links
}

func TestAppendRefuses(t *testing.T) {
	chain, links := grown(t)
	for name, c := range map[string]struct {
		change func(*ledger.Link)
		code   exchange.Code
	}{
		"next":                         {func(*ledger.Link) {}, exchange.CodeOK},
		"next, answers request 2":      {func(l *ledger.Link) { l.Number = 2 }, exchange.CodeOK},
		"same time":                    {func(l *ledger.Link) { l.At = 300 }, exchange.CodeOK},
		"other supplier":               {func(l *ledger.Link) { l.Supplier = birch }, exchange.CodeInvalid},
		"other retailer":               {func(l *ledger.Link) { l.Retailer = acorn }, exchange.CodeInvalid},
		"the other direction":          {func(l *ledger.Link) { l.Supplier, l.Retailer = birch, acorn }, exchange.CodeInvalid},
		"gap":                          {func(l *ledger.Link) { l.Position++ }, exchange.CodeBehind},
		"far ahead":                    {func(l *ledger.Link) { l.Position = math.MaxUint64 }, exchange.CodeBehind},
		"gap wins over other faults":   {func(l *ledger.Link) { l.Position, l.Prev, l.At = 9, ledger.Hash{}, 0 }, exchange.CodeBehind},
		"repeat of the last":           {func(l *ledger.Link) { *l = links[2] }, exchange.CodeFork},
		"repeat of the first":          {func(l *ledger.Link) { *l = links[0] }, exchange.CodeFork},
		"after the last, in its place": {func(l *ledger.Link) { l.Position = links[2].Position }, exchange.CodeFork},
		"position 0":                   {func(l *ledger.Link) { l.Position = 0 }, exchange.CodeFork},
		"follows another entry":        {func(l *ledger.Link) { l.Prev[31] ^= 1 }, exchange.CodeFork},
		"follows nothing":              {func(l *ledger.Link) { l.Prev = ledger.Hash{} }, exchange.CodeFork},
		"a millisecond older":          {func(l *ledger.Link) { l.At = 299 }, exchange.CodeFork},
		"before 1970":                  {func(l *ledger.Link) { l.At = math.MinInt64 }, exchange.CodeFork},
		"answers request 1 again":      {func(l *ledger.Link) { l.Number = 1 }, exchange.CodeFork},
		"skips request 2":              {func(l *ledger.Link) { l.Number = 3 }, exchange.CodeFork},
		"answers the last number":      {func(l *ledger.Link) { l.Number = math.MaxUint64 }, exchange.CodeFork},
	} {
		t.Run(name, func(t *testing.T) {
			l := chain.Next(400, 0)
			c.change(&l)
			next, err := chain.Append(l, hashOf(l))
			if exchange.CodeOf(err) != c.code {
				t.Errorf("%v, want %v", err, c.code)
			}
			if err != nil && next != chain {
				t.Error("refused, but the chain changed")
			}
			if _, err := chain.Freeze().Append(l, hashOf(l)); exchange.CodeOf(err) != exchange.CodeFrozen {
				t.Errorf("on a frozen chain: %v", err)
			}
		})
	}
}

func TestPartner(t *testing.T) {
	id := ledger.ID{Supplier: acorn, Retailer: birch}
	if partner, side := id.Partner(acorn); partner != birch || side != exchange.Supplier {
		t.Errorf("the supplier deals with %v as %v", partner, side)
	}
	if partner, side := id.Partner(birch); partner != acorn || side != exchange.Retailer {
		t.Errorf("the retailer deals with %v as %v", partner, side)
	}
}

func TestFirstEntry(t *testing.T) {
	empty := ledger.Chain{Supplier: acorn, Retailer: birch}
	for name, c := range map[string]struct {
		link ledger.Link
		code exchange.Code
	}{
		"plain":             {ledger.Link{Supplier: acorn, Retailer: birch, Position: 1, At: 1}, exchange.CodeOK},
		"answers request 1": {ledger.Link{Supplier: acorn, Retailer: birch, Position: 1, At: 1, Number: 1}, exchange.CodeOK},
		"answers request 2": {ledger.Link{Supplier: acorn, Retailer: birch, Position: 1, At: 1, Number: 2}, exchange.CodeFork},
		"follows something": {ledger.Link{Supplier: acorn, Retailer: birch, Position: 1, At: 1, Prev: ledger.Hash{1}}, exchange.CodeFork},
		"before 1970":       {ledger.Link{Supplier: acorn, Retailer: birch, Position: 1, At: -1}, exchange.CodeFork},
		"second":            {ledger.Link{Supplier: acorn, Retailer: birch, Position: 2, At: 1}, exchange.CodeBehind},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := empty.Append(c.link, hashOf(c.link)); exchange.CodeOf(err) != c.code {
				t.Errorf("%v, want %v", err, c.code)
			}
		})
	}
}

func TestAck(t *testing.T) {
	chain, links := grown(t)
	hash := func(position uint64) ledger.Hash { return hashOf(links[position-1]) }
	acked := chain
	for _, c := range []struct {
		name         string
		position     uint64
		hash, hashAt ledger.Hash
		code         exchange.Code
		want         uint64
	}{
		{"empty", 0, ledger.Hash{}, ledger.Hash{}, exchange.CodeOK, 0},
		{"second", 2, hash(2), hash(2), exchange.CodeOK, 2},
		{"an older head changes nothing", 1, hash(1), hash(1), exchange.CodeOK, 2},
		{"another entry", 3, ledger.Hash{9}, hash(3), exchange.CodeFork, 2},
		{"another entry, long ago", 1, ledger.Hash{9}, hash(1), exchange.CodeFork, 2},
		{"an entry before the first", 0, ledger.Hash{9}, ledger.Hash{}, exchange.CodeFork, 2},
		{"beyond the end", 4, ledger.Hash{9}, ledger.Hash{}, exchange.CodeRestored, 2},
		{"last", 3, hash(3), hash(3), exchange.CodeOK, 3},
	} {
		next, err := acked.Ack(c.position, c.hash, c.hashAt)
		if exchange.CodeOf(err) != c.code || next.Acked != c.want {
			t.Errorf("%s: acked %d, %v; want %d, %v", c.name, next.Acked, err, c.want, c.code)
		}
		acked = next
	}
	acked.Acked = chain.Acked
	if acked != chain {
		t.Error("an ack changed more than how far the retailer has countersigned")
	}
}

// TestTwoSides lets a supplier append by its own clock, which may run
// backwards, and sends the entries to a retailer in any order, some of them
// changed. The retailer's chain is a prefix of the supplier's at every step, takes
// each entry once, and answers every request once and in order.
func TestTwoSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		supplier := ledger.Chain{Supplier: acorn, Retailer: birch}
		var links []ledger.Link
		for range rapid.IntRange(1, 30).Draw(t, "entries") {
			var number uint64
			if rapid.Bool().Draw(t, "answers") {
				number = supplier.Answered + 1
			}
			l := supplier.Next(exchange.Time(rapid.Int64Range(0, 1000).Draw(t, "clock")), number)
			next, err := supplier.Append(l, hashOf(l))
			if err != nil {
				t.Fatalf("the supplier refuses its own next entry: %v", err)
			}
			if next.At < supplier.At || next.Position != supplier.Position+1 {
				t.Fatalf("%+v follows %+v", next, supplier)
			}
			supplier, links = next, append(links, l)
		}

		retailer := ledger.Chain{Supplier: acorn, Retailer: birch}
		for range rapid.IntRange(0, 60).Draw(t, "arrivals") {
			l := links[rapid.IntRange(0, len(links)-1).Draw(t, "entry")]
			l = corrupt(t, l)
			before := retailer
			next, err := retailer.Append(l, hashOf(l))
			retailer = next
			if err != nil {
				if next != before {
					t.Fatal("a refused entry changed the chain")
				}
				continue
			}
			if genuine := links[before.Position]; l != genuine {
				checkLegal(t, before, l, genuine)
				retailer = before // its evidence comes with the genuine one; go on from there
			}
		}
		for _, l := range links[retailer.Position:] { // healed: the rest, in order
			next, err := retailer.Append(l, hashOf(l))
			if err != nil {
				t.Fatal(err)
			}
			retailer = next
		}
		if retailer != supplier {
			t.Fatalf("retailer %+v\nsupplier %+v", retailer, supplier)
		}
	})
}

// corrupt changes one field of the entry, one time in three.
func corrupt(t *rapid.T, l ledger.Link) ledger.Link {
	switch rapid.IntRange(0, 14).Draw(t, "fault") {
	case 0:
		l.Position += rapid.Uint64Range(1, 3).Draw(t, "positions")
	case 1:
		l.Prev[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
	case 2:
		l.At += exchange.Time(rapid.Int64Range(-1000, 1000).Draw(t, "ms"))
	case 3:
		l.Number += rapid.Uint64Range(1, 3).Draw(t, "numbers")
	case 4:
		l.Supplier, l.Retailer = l.Retailer, l.Supplier
	}
	return l
}

// checkLegal: an entry that the supplier did not append there can be taken
// only if it is legal by itself: it differs in its time or in whether it answers
// the next request. The chain rule cannot know better; the genuine entry at the
// same position then proves the fork.
func checkLegal(t *rapid.T, before ledger.Chain, l, genuine ledger.Link) {
	t.Helper()
	legal := l.Supplier == acorn && l.Retailer == birch && l.Position == before.Position+1 &&
		l.Prev == before.Hash && l.At >= before.At && (l.Number == 0 || l.Number == before.Answered+1)
	if !legal {
		t.Fatalf("%+v was taken in the place of %+v", l, genuine)
	}
}
