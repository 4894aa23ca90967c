package exchange

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// HoldID names a hold, and the order that commits it: one hold becomes at most
// one order, which keeps its name. It is made by the retailer: the window that the
// supplier last issued to it, then 96 random bits. It is unique within the pair of
// shops; nobody else is asked about it.
type HoldID [16]byte

// OrderID is the HoldID of the hold that the order commits.
type OrderID = HoldID

// BasketID names a basket of the shop's own. It is made as a HoldID is, of the shop's own day, and
// no other shop sees it.
type BasketID = HoldID

// Window numbers a supplier's days: a hold is accepted only if its ID carries
// the supplier's current or previous window, and its record is kept for
// [WindowsKept], so that a replayed request can never run twice.
type Window uint32

// WindowsKept is how many windows a hold's record outlives its own. A hold may
// be placed until the window after its own ends and then live MaxHoldLifetime,
// seven windows: 1 + 7.
const WindowsKept = 8

// NewHoldID joins a window and 12 random bytes.
func NewHoldID(w Window, random [12]byte) HoldID {
	var id HoldID
	binary.BigEndian.PutUint32(id[:4], uint32(w))
	copy(id[4:], random[:])
	return id
}

var holdIDText = base32.HexEncoding.WithPadding(base32.NoPadding)

// ParseHoldID reads the text form, 26 characters 0–9 a–v, in either case.
func ParseHoldID(s string) (HoldID, error) {
	var id HoldID
	if len(s) == holdIDText.EncodedLen(len(id)) {
		b, err := holdIDText.DecodeString(strings.ToUpper(s))
		copy(id[:], b)
		// The decoder skips line ends and ignores the last two bits: one ID has one text.
		if err == nil && id.String() == strings.ToLower(s) {
			return id, nil
		}
	}
	return HoldID{}, Errorf(CodeInvalid, "%.40q is not a reservation or order ID", s)
}

// Window is the window the ID was made in.
func (id HoldID) Window() Window { return Window(binary.BigEndian.Uint32(id[:4])) }

// IsZero reports whether id names no hold.
func (id HoldID) IsZero() bool { return id == HoldID{} }

func (id HoldID) String() string { return strings.ToLower(holdIDText.EncodeToString(id[:])) }

// MarshalText implements encoding.TextMarshaler.
func (id HoldID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *HoldID) UnmarshalText(b []byte) error {
	parsed, err := ParseHoldID(string(b))
	if err == nil {
		*id = parsed
	}
	return err
}
