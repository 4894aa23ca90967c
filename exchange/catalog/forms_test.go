package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
)

// The plural finds the singular and the other way round, in the languages of the shops' markets;
// what merely looks alike is not found.
func TestPlurals(t *testing.T) {
	finds := func(query, title string) bool {
		_, ok := catalog.Score(catalog.QueryWords(query), catalog.Tokens(exchange.Product{SKU: "1", Title: title}))
		return ok
	}
	for _, pair := range []string{
		"boot boots", "shoe shoes", "dress dresses", "baby babies", "knife knives", "shelf shelves", "bus buses", "pie pies", "cap caps",
		"Schuh Schuhe", "Schuh Schuhen", "Schuhe Schuhen", "Lampe Lampen", "Buch Bücher", "Stuhl Stühle", "Hut Hüte", "Kleid Kleider", "Glas Gläser",
		"bateau bateaux", "chaussure chaussures", "cheval chevaux", "zapato zapatos", "reloj relojes", "lápiz lápices",
		"scarpa scarpe", "vestito vestiti", "bicchiere bicchieri", "boek boeken", "klocka klockor", "stol stolar", "cordão cordões", "сумка сумки", "лампа лампы",
	} {
		t.Run(pair, func(t *testing.T) {
			one, many, _ := strings.Cut(pair, " ")
			if !finds(one, many) || !finds(many, one) || !finds("red "+many, one+" red") {
				t.Errorf("%s finds %s: %v, the other way %v", one, many, finds(one, many), finds(many, one))
			}
		})
	}
	for _, pair := range []string{"boots book", "shirt skirt", "hats hatchet", "as a", "1s 1", "42s 42", "gas ga", "lamps clamp"} {
		t.Run("not "+pair, func(t *testing.T) {
			query, title, _ := strings.Cut(pair, " ")
			if finds(query, title) {
				t.Errorf("%s finds %s", query, title)
			}
		})
	}
}

// word makes words that rules apply to.
var word = rapid.StringMatching(`[aeoxyfmz]?[aelmnorsuvxyz]{2,6}(s|es|e|en|n|er|ies|ves|aux|x|i)?`)

// What a query found before there were forms it finds still, with the same score; what it finds
// by a form alone comes after; and the forms that are looked up are those that the score knows.
func TestFormsAddToWhatWasFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		query, token := word.Draw(t, "query"), word.Draw(t, "token")
		const weight = 2 // the least there is
		got := catalog.MatchScore(query, token, weight)
		switch {
		case query == token:
			if got != 2*weight {
				t.Fatalf("the word itself counts %d", got)
			}
		case strings.HasPrefix(token, query):
			if got != weight {
				t.Fatalf("its beginning counts %d", got)
			}
		case slices.Contains(catalog.Forms(query), token):
			if got != catalog.FormScore || got >= weight {
				t.Fatalf("%q is a form of %q and counts %d", token, query, got)
			}
		case got != 0:
			t.Fatalf("%q counts %d for %q and is not looked up", token, got, query)
		}
		for _, form := range catalog.Forms(query) {
			if catalog.MatchScore(query, form, weight) != catalog.FormScore || catalog.MatchScore(form, query, weight) == 0 {
				t.Fatalf("%q is looked up for %q and counts %d, the other way %d", form, query, catalog.MatchScore(query, form, weight), catalog.MatchScore(form, query, weight))
			}
		}
		if n := len(catalog.Forms(query)); n > catalog.MaxForms {
			t.Fatalf("%d forms of %q", n, query)
		}
	})
}
