package api

import "testing"

// An open quantity follows the stock, in both directions, and is never nothing.
func TestOpenQuantity(t *testing.T) {
	const standard = 1000
	for name, c := range map[string]struct {
		units int64
		more  bool
		want  int64
	}{
		"nothing counted":                  {0, false, standard},
		"nothing but products not counted": {0, true, standard},
		"ten pieces":                       {10, false, 10},
		"a warehouse":                      {100_000, false, 100_000},
		"ten pieces and a download":        {10, true, standard},
		"a warehouse and a download":       {100_000, true, 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			if got := openQuantity(c.units, c.more, standard); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}
