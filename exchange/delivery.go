package exchange

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Delivery is what a retailer tells the supplier of one order, and nobody else: where the parcel
// goes, and the retailer's own words. It is hashed with a salt into the signed order and travels
// beside it; each of the two shops keeps it apart from the ledger and erases it whole.
type Delivery struct {
	ShipTo
	// Reference is the retailer's own name of the order, by which it is found again: up to
	// MaxReference bytes of UTF-8 without invisible characters, and without white space at either
	// end; may be empty.
	Reference string
	// Note is for the people who pack: up to MaxNote bytes of UTF-8 in lines that end with "\n",
	// without other invisible characters; may be empty.
	Note string
}

// Bounds of a Delivery, in bytes.
const (
	MaxReference = 64
	MaxNote      = 1000
	// MaxDelivery bounds all texts of a Delivery together. Encoded they stay below
	// protocol.MaxShipTo, which the versions before Reference and Note hold a submit to: it has room
	// for an address with every field at its longest, and for a note beside any address there is.
	MaxDelivery = 3000
)

// Check reports what a Delivery must not have, or lacks.
func (d Delivery) Check() error {
	if err := d.ShipTo.Check(); err != nil {
		return err
	}
	if err := CheckReference(d.Reference); err != nil {
		return err
	}
	if err := checkNote(d.Note); err != nil {
		return err
	}
	size := len(d.Name) + len(d.City) + len(d.Region) + len(d.PostalCode) + len(d.Country) + len(d.Email) + len(d.Phone) + len(d.Reference) + len(d.Note)
	for _, l := range d.Lines {
		size += len(l)
	}
	if size > MaxDelivery {
		return Errorf(CodeInvalid, "address, reference and note have %d bytes together; %d are allowed: shorten the note", size, MaxDelivery)
	}
	return nil
}

// CheckReference reports a text that no order can have as its reference.
func CheckReference(s string) error {
	switch {
	case len(s) > MaxReference:
		return Errorf(CodeInvalid, "the reference has %d bytes; %d are allowed", len(s), MaxReference)
	case !utf8.ValidString(s):
		return Errorf(CodeInvalid, "the reference %q is not UTF-8", s)
	case strings.TrimSpace(s) != s:
		return Errorf(CodeInvalid, "the reference %q starts or ends with white space", s)
	}
	for _, r := range s {
		if isInvisible(r) {
			return Errorf(CodeInvalid, "the reference %q holds the invisible character %U", s, r)
		}
	}
	return nil
}

func checkNote(s string) error {
	switch {
	case len(s) > MaxNote:
		return Errorf(CodeInvalid, "the note has %d bytes; %d are allowed", len(s), MaxNote)
	case !utf8.ValidString(s):
		return Errorf(CodeInvalid, "the note is not UTF-8")
	}
	for _, r := range s {
		if r != '\n' && isInvisible(r) && r != zeroWidthJoiner {
			return Errorf(CodeInvalid, "the note holds the invisible character %U", r)
		}
	}
	return nil
}

// zeroWidthJoiner joins emoji to one, in notes that people write.
const zeroWidthJoiner = '\u200d'

// isInvisible reports control, format and separator characters that show nothing (Unicode
// categories Cc, Cf, Zl, Zp).
func isInvisible(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
