package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// What an end did depends on what there was before it: a new proposal behind an end that is
// on its way is closed by another one.
func TestEndMade(t *testing.T) {
	for _, c := range []struct{ status, queued, says string }{
		{"active", "", "Ended: buy from Birch. Submitted orders finish."},
		{"active", "propose", "Ended: buy from Birch. Submitted orders finish."},
		{"proposed", "", "Closed: the proposal to buy from Birch."},
		{"queued", "propose", "Closed: the proposal to buy from Birch."},
		{"ended", "", "Nothing to end. You ended it (buy from Birch)"},
		{"ending", "end", "Nothing to end. You ended it (buy from Birch)"},
		{"ending", "", "Nothing to end. You ended it (buy from Birch)"}, // in no ledger
		{"ending", "propose", "Closed: the proposal to buy from Birch."},
		{"ending", "withdraw", "Closed: the proposal to buy from Birch."},
	} {
		t.Run(fmt.Sprintf("%s, %q queued", c.status, c.queued), func(t *testing.T) {
			var out strings.Builder
			now := view.Partnership{PartnerName: "Birch", Direction: view.Buy, Status: "ending", Queued: "end", EndedBy: "self"}
			endMade(&page{w: &out}, &federation{}, now, view.Partnership{Direction: view.Buy, Status: c.status, Queued: c.queued})
			if !strings.HasPrefix(out.String(), c.says) {
				t.Error(out.String())
			}
		})
	}
}

// Only an accept that was quicker is too late to withdraw; what else was refused is not
// the withdrawal.
func TestWithdrawalMade(t *testing.T) {
	for code, says := range map[exchange.Code]string{
		exchange.CodeOK: "Withdrawn: the proposal to buy from Birch.", exchange.CodeStale: "Too late to withdraw",
		exchange.CodeCurrency: "Withdrawn: the proposal to buy from Birch.", exchange.CodeLimit: "Withdrawn: the proposal to buy from Birch.",
	} {
		t.Run(code.String(), func(t *testing.T) {
			var out strings.Builder
			partnerCommands{&app{}}.withdrawalMade(&page{w: &out}, &federation{}, view.Partnership{
				PartnerName: "Birch", Direction: view.Buy, Refusal: view.RefusalOf(code, "refused"),
			})
			if !strings.HasPrefix(out.String(), says) {
				t.Errorf("%s", out.String())
			}
		})
	}
}
