package hub

import "testing"

func TestSameName(t *testing.T) {
	for _, same := range [][2]string{
		{"Acorn Shoes", "acorn shoes"}, {"Acorn Shoes", "Acorn  Shoes"}, {"Acorn Shoes", "acorn-shoes"}, {"Acorn Shoes", "Ａｃｏｒｎ Shoes"},
		{"Acorn Shoes", "Acorn\u00a0Shoes"}, {"STRASSE", "strasse"}, {"Æble", "æble"}, {"Café", "Cafe\u0301"},
	} {
		t.Run(same[0]+" is "+same[1], func(t *testing.T) {
			if !sameName(same[0], same[1]) {
				t.Error("they are two names")
			}
		})
	}
	for _, two := range [][2]string{{"Acorn Shoes", "Acorn Shoe"}, {"Acorn Shoes", "AcornShoes"}, {"Café", "Cafe"}, {"店", "书"}} {
		t.Run(two[0]+" is not "+two[1], func(t *testing.T) {
			if sameName(two[0], two[1]) {
				t.Error("they are one name")
			}
		})
	}
}
