package audit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
)

// Rule is what a fault breaks: an invariant of the package comment, or one of the rules beside
// them.
type Rule string

// The invariants of the package comment, and the rules beside them.
const (
	Stock        Rule = "I1"
	OneAnswer    Rule = "I2"
	SameOrders   Rule = "I3"
	Acknowledged Rule = "I4"
	Prefix       Rule = "I5"
	OneEnd       Rule = "I6"
	Price        Rule = "I7"
	Signed       Rule = "I8"
	Answered     Rule = "I9"
	Records      Rule = "records" // every record is readable and stands under its own key
	Baskets      Rule = "baskets" // a basket and its parts agree
	Ledgers      Rule = "ledgers" // a ledger has all its entries, and its records follow from them
)

// Fault is one thing that is wrong, as a sentence.
type Fault struct {
	Rule  Rule   `json:"rule"`
	Where string `json:"where"` // "shop Acorn, hold 01…"
	What  string `json:"what"`
}

func (f *Fault) Error() string { return f.Where + ": " + f.What }

// Finding is what an owner should know and is no fault: the shop has dealt with it.
type Finding struct {
	Kind  FindingKind `json:"kind"`
	Where string      `json:"where"`
	What  string      `json:"what"`
}

// FindingKind is what a finding is about.
type FindingKind string

// Kinds of findings.
const (
	Stopped    FindingKind = "stopped"    // the shop has stopped selling
	Frozen     FindingKind = "frozen"     // a ledger is frozen as evidence
	Quarantine FindingKind = "quarantine" // a hold or order could not end when its time had come
	Shortfall  FindingKind = "shortfall"  // more is promised than was counted
	Unknown    FindingKind = "unknown"    // rows that this version does not know
	OnTheWay   FindingKind = "on-the-way" // one of two shops has not received yet what the other has
)

// notes collects the faults and findings of one place. The place is put into words only for a
// fault or finding: sound books have very many places.
type notes struct {
	where func() string
	into  *collected
}

type collected struct {
	faults   []*Fault
	findings []Finding
}

func newNotes(where string) notes { return notes{func() string { return where }, &collected{}} }

// at is a place inside of this one.
func (n notes) at(format string, args ...any) notes {
	return notes{func() string { return n.where() + ", " + fmt.Sprintf(format, args...) }, n.into}
}

func (n notes) fault(r Rule, format string, args ...any) {
	n.into.faults = append(n.into.faults, &Fault{r, n.where(), fmt.Sprintf(format, args...)})
}

func (n notes) finding(k FindingKind, format string, args ...any) {
	n.into.findings = append(n.into.findings, Finding{k, n.where(), fmt.Sprintf(format, args...)})
}

// survive turns a panic over records that no shop writes into a fault: a checker must
// live to tell the rest. It is deferred around the check of one record or ledger.
func (n notes) survive() {
	if p := recover(); p != nil {
		n.fault(Records, "the checker can make no sense of what is stored here: %v", p)
	}
}

// err is all faults as one error, or nil.
func (n notes) err() error {
	if len(n.into.faults) == 0 {
		return nil
	}
	return faultList(n.sorted())
}

// sorted are the faults by place; faults of one place stay in the order they were found in.
func (n notes) sorted() []*Fault {
	slices.SortStableFunc(n.into.faults, func(a, b *Fault) int { return cmp.Compare(a.Where, b.Where) })
	return n.into.faults
}

func (n notes) sortedFindings() []Finding {
	slices.SortStableFunc(n.into.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What))
	})
	return n.into.findings
}

// faultList is an error of many lines.
type faultList []*Fault

func (l faultList) Error() string {
	text := ""
	for i, f := range l {
		if i > 0 {
			text += "\n"
		}
		text += f.Error()
	}
	return text
}

// Unwrap lets errors.As find each fault.
func (l faultList) Unwrap() []error {
	errs := make([]error, len(l))
	for i, f := range l {
		errs[i] = f
	}
	return errs
}

// places names shops in faults and findings.
type places func(exchange.ShopID) string

// Lazy values of places.
type (
	shopIn struct {
		names places
		shop  exchange.ShopID
	}
	ledgerIn struct {
		names places
		id    ledger.ID
	}
	keyOf []byte
)

func (s shopIn) String() string   { return s.names(s.shop) }
func (l ledgerIn) String() string { return l.names.ledger(l.id) }
func (k keyOf) String() string    { return keyText(k) }

func (p places) ledger(id ledger.ID) string {
	return fmt.Sprintf("the ledger of %s as supplier with %s as retailer", p(id.Supplier), p(id.Retailer))
}
