package trade_test

import (
	"fmt"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
)

// An id that the supplier does not know is taken in its window and the next one: later
// its record may have been pruned, earlier it was not issued. The same goes for the
// tombstone of a release that comes before its hold.
func TestWindowsOfUnknownIDs(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	current := windowOf(w.Now)
	for n, c := range []struct {
		window exchange.Window
		want   exchange.Code
	}{
		{current + 1, exchange.CodeInvalid}, {current, exchange.CodeOK}, {current - 1, exchange.CodeOK},
		{current - 2, exchange.CodeTooOld}, {current - exchange.WindowsKept - 1, exchange.CodeTooOld},
	} {
		t.Run(fmt.Sprintf("window %+d", int64(c.window)-int64(current)), func(t *testing.T) {
			raw, _ := holdRequest(t, c.window, n, exchange.Line{SKU: "shoe", Quantity: 1})
			if got := opened(acorn, t, ask(acorn, t, birch, raw)).Refusal; got != c.want {
				t.Errorf("a hold: %v, not %v", got, c.want)
			}
			_, id := holdRequest(t, c.window, 100+n, exchange.Line{SKU: "shoe", Quantity: 1})
			if got := opened(acorn, t, ask(acorn, t, birch, framed(t, &message.Release{ID: id}))).Refusal; got != c.want {
				t.Errorf("a release: %v, not %v", got, c.want)
			}
		})
	}
	if n := len(keysWith(t, acorn.Mem, "h/")); n != 4 {
		t.Errorf("%d records are kept, not 4", n)
	}
}
