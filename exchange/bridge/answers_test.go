package bridge

import (
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestCheckAnswers: one answer for each ID, and each makes sense.
func TestCheckAnswers(t *testing.T) {
	a, b, c := exchange.HoldID{1}, exchange.HoldID{2}, exchange.HoldID{3}
	short := []exchange.Short{{SKU: "x", Asked: 2, Available: 1}}
	for name, test := range map[string]struct {
		answers []Answer
		ok      bool
	}{
		"one each":           {[]Answer{{ID: b, Short: short}, {ID: a, OK: true}}, true},
		"a newer problem":    {[]Answer{{ID: b, Problem: "asleep"}, {ID: a, OK: true}}, true},
		"one is missing":     {[]Answer{{ID: a, OK: true}}, false},
		"one is doubled":     {[]Answer{{ID: a, OK: true}, {ID: b, OK: true}, {ID: b, OK: true}}, false},
		"one is foreign":     {[]Answer{{ID: a, OK: true}, {ID: c, OK: true}}, false},
		"yes and busy":       {[]Answer{{ID: a, OK: true, Problem: Busy}, {ID: b, OK: true}}, false},
		"yes and short":      {[]Answer{{ID: a, OK: true, Short: short}, {ID: b, OK: true}}, false},
		"enough, and short":  {[]Answer{{ID: a, Short: []exchange.Short{{SKU: "x", Asked: 1, Available: 1}}}, {ID: b, OK: true}}, false},
		"a problem too long": {[]Answer{{ID: a, Problem: Problem(make([]byte, MaxText+1))}, {ID: b, OK: true}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckAnswers([]exchange.HoldID{a, b}, test.answers); (err == nil) != test.ok {
				t.Errorf("%v", err)
			}
		})
	}
	if err := CheckAnswers(nil, nil); err != nil {
		t.Error(err)
	}
}
