package hub

import "testing"

func TestSameName(t *testing.T) {
	for _, same := range [][2]string{
		{"Acorn Shoes", "acorn shoes"}, {"Acorn Shoes", "Acorn  Shoes"}, {"Acorn Shoes", "acorn-shoes"}, {"Acorn Shoes", "Ａｃｏｒｎ Shoes"},
		{"Acorn Shoes", "Acorn\u00a0Shoes"}, {"STRASSE", "strasse"}, {"Æble", "æble"}, {"Café", "Cafe\u0301"},
	} {
		if !sameName(same[0], same[1]) {
			t.Errorf("%q and %q are two names", same[0], same[1])
		}
	}
	for _, two := range [][2]string{{"Acorn Shoes", "Acorn Shoe"}, {"Acorn Shoes", "AcornShoes"}, {"Café", "Cafe"}, {"店", "书"}} {
		if sameName(two[0], two[1]) {
			t.Errorf("%q and %q are one name", two[0], two[1])
		}
	}
}
