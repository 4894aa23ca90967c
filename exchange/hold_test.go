package exchange_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

// A hold's record outlives the hold: placed at the last moment its window is
// taken (the end of the next one), it may live for MaxHoldLifetime.
func TestRecordsOutliveHolds(t *testing.T) {
	const window = 24 * time.Hour
	if last := window + exchange.MaxHoldLifetime; last > exchange.WindowsKept*window {
		t.Errorf("a hold may live %v beyond its window; its record is kept for %v", last, exchange.WindowsKept*window)
	}
}

func TestHoldID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := exchange.Window(rapid.Uint32().Draw(t, "window"))
		random := [12]byte(rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "random"))
		id := exchange.NewHoldID(window, random)
		if id.Window() != window || [12]byte(id[4:]) != random {
			t.Fatalf("%x does not hold window %d and %x", id[:], window, random)
		}
		text := id.String()
		for _, written := range []string{text, strings.ToUpper(text)} {
			if back, err := exchange.ParseHoldID(written); err != nil || back != id {
				t.Fatalf("ParseHoldID(%q) = %v, %v", written, back, err)
			}
		}
		encoded, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		var back exchange.OrderID
		if err := json.Unmarshal(encoded, &back); err != nil || back != id {
			t.Fatalf("%s came back as %v, %v", encoded, back, err)
		}
	})
}

// Text order is byte order: a listing sorted by ID goes by window.
func TestHoldIDTextSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) exchange.HoldID {
			return exchange.HoldID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
		}
		a, b := draw("a"), draw("b")
		if byBytes, byText := strings.Compare(string(a[:]), string(b[:])), strings.Compare(a.String(), b.String()); byBytes != byText {
			t.Fatalf("%v and %v: %d by bytes, %d by text", a, b, byBytes, byText)
		}
	})
}

func TestParseHoldIDRefuses(t *testing.T) {
	good := exchange.NewHoldID(20_000, [12]byte{1, 2, 3}).String()
	for name, text := range map[string]string{
		"empty":                 "",
		"a character less":      good[:25],
		"a character more":      good + "0",
		"padding":               good + "======",
		"line end inside":       good[:13] + "\n" + good[13:],
		"line end for a letter": good[:25] + "\n",
		"two bits too many":     good[:25] + "1",
		"w is no digit":         "w" + good[1:],
		"dotless i":             "ı" + good[2:],
		"long s":                "ſ" + good[2:],
		"Kelvin sign":           "\u212a" + good[3:],
		"white space":           " " + good[1:],
		"huge":                  strings.Repeat("0", 1<<24),
	} {
		t.Run(name, func(t *testing.T) {
			id, err := exchange.ParseHoldID(text)
			if exchange.CodeOf(err) != exchange.CodeInvalid || !id.IsZero() {
				t.Errorf("%v, %v; want it refused as invalid", id, err)
			}
		})
	}
}

func FuzzParseHoldID(f *testing.F) {
	f.Add(exchange.NewHoldID(20_000, [12]byte{1, 2, 3}).String())
	f.Fuzz(func(t *testing.T, text string) {
		id, err := exchange.ParseHoldID(text)
		if err == nil && id.String() == strings.ToLower(text) {
			return // upper case is taken too
		}
		checkParse(t, text, id.String(), err)
	})
}
