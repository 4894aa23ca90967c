package bridgetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/conformance"
)

var (
	skus = [2]exchange.SKU{"LAMP-1", "Tasse „Blau“"}
	pool = [2]exchange.SKU{"SHIRT-S", "SHIRT-M"}
)

func newTarget(broken rule) (*System, conformance.Target) {
	s := NewSystem(skus[0], skus[1], "OTHER-1", "OTHER-2", "OTHER-3")
	s.broken = broken
	s.AddPool(pool[0], pool[1])
	return s, s.Target(skus, pool)
}

// TestSystem: the reference system passes, with every ability and with none.
func TestSystem(t *testing.T) {
	t.Run("every ability", func(t *testing.T) {
		_, target := newTarget("")
		Run(t, target)
	})
	t.Run("none", func(t *testing.T) {
		s, target := newTarget("")
		for _, sku := range []exchange.SKU{skus[0], skus[1], pool[0]} {
			if err := s.SetFree(t.Context(), sku, 17); err != nil {
				t.Fatal(err)
			}
		}
		Run(t, conformance.Target{Bridge: target.Bridge, SKUs: skus, Pool: pool})
		for _, sku := range []exchange.SKU{skus[0], skus[1], pool[0]} {
			if free := s.Free(sku); free != 17 {
				t.Errorf("the suite left %d units of %s, and took 17", free, sku)
			}
		}
		if list, err := s.Open(t.Context(), exchange.HoldID{}); err != nil || len(list) > 0 {
			t.Errorf("the suite left %v open, %v", list, err)
		}
	})
}

// found says which case finds that a rule is broken; others may, too.
var found = map[rule]string{
	checksFirst: "fifty-for-five", idCheckedLate: "same-id-at-once", takesSome: "all-or-none", namesOne: "all-or-none", keepsOne: "last-unit",
	unknownIsYes: "unknown-product", forgetsYes: "repeat", orderMatters: "repeat", otherLinesToo: "other-lines", refusedAgain: "refused-stays",
	batchStops: "batch", lapsesByExpiry: "lapse", lapsesByClock: "clock-ahead", poolsApart: "pool", poolLineByLine: "pool",
	givesTwice: "release", yesAfterRelease: "release", noMark: "tombstone", unknownIsNo: "tombstone", givesMore: "never-more",
	commitOnce: "commit", commitTakes: "commit", commitsAnything: "commit-of-nothing", wholeAlways: "part", seqIgnored: "part",
	lastSeqAlone: "parts-in-any-order", partEnds: "part-of-a-hold", checkoutBlind: "own-checkout", memoryOnly: "restart", halfDone: "killed",
	tellsShelf: "changes", alwaysAnew: "changes-resume", noGap: "changes-gap", heldAlone: "open", openTooLong: "open", linesAsAsked: "open",
	fromStart: "open-after", linesAsTheyCome: "opposite-lines",
}

// TestBrokenRules: each rule that a system breaks is found by the case that is for it.
func TestBrokenRules(t *testing.T) {
	for broken, name := range found {
		t.Run(string(broken), func(t *testing.T) {
			for _, c := range conformance.Cases() {
				if c.Name != name {
					continue
				}
				_, target := newTarget(broken)
				if r := c.Try(t.Context(), target); r.Err == nil {
					t.Errorf("%s found nothing wrong (left out: %q)", name, r.LeftOut)
				} else {
					t.Log(r.Err)
				}
				return
			}
			t.Errorf("there is no case %s", name)
		})
	}
}

// TestEachCaseFails: every case finds something in some broken system, those of the HTTP form apart.
func TestEachCaseFails(t *testing.T) {
	for _, c := range conformance.Cases() {
		_, target := newTarget("")
		if c.Try(t.Context(), target).LeftOut != "" {
			continue // package webhook tries these
		}
		var by []rule
		for broken := range found {
			if _, target := newTarget(broken); c.Try(t.Context(), target).Err != nil {
				by = append(by, broken)
			}
		}
		if len(by) == 0 {
			t.Errorf("%s finds none of the broken rules", c.Name)
		}
	}
}

// TestFaults: what each fault does to a call, and that what is healed answers again.
func TestFaults(t *testing.T) {
	asks := []bridge.Ask{{ID: exchange.HoldID{1}, Lines: []bridge.Line{{SKU: skus[0], Units: 1}}}}
	for name, c := range map[string]struct {
		faults Faults
		check  func(t *testing.T, answers []bridge.Answer, err error)
		state  bridge.State // of the ask after it
	}{
		"down":    {Faults{Down: true}, wantError(errFault), ""},
		"hanging": {Faults{Hanging: true}, wantError(context.DeadlineExceeded), ""},
		"lost":    {Faults{Lost: true}, wantError(errFault), bridge.Held},
		"lying":   {Faults{Lying: true}, wantAnswer(bridge.Answer{ID: asks[0].ID, OK: true}), ""},
		"garbled": {Faults{Garbled: true}, wantAnswer(bridge.Answer{ID: exchange.HoldID{0: 1, 15: 1}, OK: true}), bridge.Held},
		"busy":    {Faults{Busy: true}, wantAnswer(bridge.Answer{ID: asks[0].ID, Problem: bridge.Busy}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := newTarget("")
				if err := s.SetFree(t.Context(), skus[0], 1); err != nil {
					t.Fatal(err)
				}
				s.Fail(c.faults)
				ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
				defer stop()
				answers, err := s.Hold(ctx, asks)
				c.check(t, answers, err)
				if state, _ := s.Standing(asks[0].ID); state != c.state {
					t.Errorf("the ask is %q after it, not %q", state, c.state)
				}
				s.Fail(Faults{})
				answers, err = s.Hold(t.Context(), asks)
				wantAnswer(bridge.Answer{ID: asks[0].ID, OK: true})(t, answers, err)
				s.Forget()
				if free := s.Free(skus[0]); free != 1 {
					t.Errorf("a system that has forgotten has %d units, not 1", free)
				}
			})
		})
	}
}

func wantError(want error) func(*testing.T, []bridge.Answer, error) {
	return func(t *testing.T, answers []bridge.Answer, err error) {
		if !errors.Is(err, want) || answers != nil {
			t.Errorf("%v, %v", answers, err)
		}
	}
}

func wantAnswer(want bridge.Answer) func(*testing.T, []bridge.Answer, error) {
	return func(t *testing.T, answers []bridge.Answer, err error) {
		if err != nil || !slices.EqualFunc(answers, []bridge.Answer{want}, func(x, y bridge.Answer) bool {
			return x.ID == y.ID && x.OK == y.OK && x.Problem == y.Problem && slices.Equal(x.Short, y.Short)
		}) {
			t.Errorf("%+v, %v", answers, err)
		}
	}
}
