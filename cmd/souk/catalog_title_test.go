package main

import (
	"fmt"
	"testing"

	"github.com/souk-market/souk/node/api/view"
)

func TestFullTitle(t *testing.T) {
	for _, c := range []struct {
		title  string
		values []string
		want   string
	}{
		{"Mug", nil, "Mug"},
		{"Trail Runner", []string{"42", "Moss"}, "Trail Runner, 42, Moss"},
		{"Hoodie - Blue, No", []string{"Blue", "No"}, "Hoodie - Blue, No"},
		{"T-Shirt – blue", []string{"Blue"}, "T-Shirt – blue"},
		{"Shoe 4.2", []string{"2"}, "Shoe 4.2, 2"},
		{"Big Blue", []string{"Red"}, "Big Blue, Red"},
		{"Blue, No", []string{"No", "Blue"}, "Blue, No, No, Blue"},
		{"Blue", []string{"Blue"}, "Blue, Blue"}, // a product of that name
		{"Star", []string{"★"}, "Star, ★"},
	} {
		t.Run(fmt.Sprintf("%s with %q", c.title, c.values), func(t *testing.T) {
			var options []view.Option
			for _, v := range c.values {
				options = append(options, view.Option{Value: v})
			}
			if got := fullTitle(c.title, options); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
