package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/node/api/view"
)

// fail runs a command line with --json that is to end with an exit code, and returns what it says
// on stderr, which is one JSON value.
func fail(t *testing.T, code int, args ...string) (f failure) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := patient(code).run(t.Context(), append(args, "--json"), &out, &errs); got != code {
		t.Fatalf("souk %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &errs)
	}
	dec := json.NewDecoder(&errs)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		t.Fatalf("souk %s: stderr is no failure: %v", strings.Join(args, " "), err)
	}
	if _, err := dec.Token(); err != io.EOF || f.Exit != code || f.Code == "" || f.Detail == "" {
		t.Fatalf("souk %s: %+v, and then %v", strings.Join(args, " "), f, err)
	}
	return f
}

// TestFailuresAreJSON: with --json every command's error is one JSON value with a code.
func TestFailuresAreJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("SOUK_DIR", "")
	everyCommand(new(app).root(), func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		if f := fail(t, exitUsage, append(path, "--no-such-flag")...); f.Code != codeUsage || f.Retry {
			t.Errorf("%s: %+v", c.CommandPath(), f)
		}
	})
	if f := fail(t, exitFailure, "members", "--dir", "none"); f.Code != "not-found" {
		t.Errorf("no shop there: %+v", f)
	}
	if f := fail(t, exitUsage, "catalog", "import", "--dir", "none"); f.Code != codeUsage {
		t.Errorf("no file: %+v", f)
	}
}

// testOwnersWord: what a file and its owner take off sale, as the owner reads it.
func (tn *town) testOwnersWord() {
	tn.t.Helper()
	file := filepath.Join(tn.dir, "pots.jsonl")
	imports := func(lines string, args ...string) string {
		tn.t.Helper()
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			tn.t.Fatal(err)
		}
		return tn.souk(exitOK, append([]string{"catalog", "import", "--dir", "acorn", "--source", "pots", file}, args...)...)
	}
	says := func(out string, want ...string) {
		tn.t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				tn.t.Errorf("it does not say %q:\n%s", w, out)
			}
		}
	}
	const pot, jug = `{"sku":"POT","title":"Pot","price":"23.00","stock":2}` + "\n", `{"sku":"JUG","title":"Jug","price":"9.00","stock":3}` + "\n"
	says(imports(pot+jug), "What the stock figures of pots mean is not chosen", "--stock-figure")
	says(imports(pot+strings.Replace(jug, `"9.00"`, `"x"`, 1), "--dry-run"), "Would be withdrawn: 1 product (JUG)", "see the bad rows")
	says(imports(pot+strings.Replace(jug, `"9.00"`, `"x"`, 1)), "withdrawn   1", "Withdrawn: 1 product (JUG)")
	says(imports(pot+jug), "Returned: 1 product")
	if f := fail(tn.t, exitRefused, "catalog", "import", "--dir", "acorn", "--source", "pots", "--replace", tn.write("pot.jsonl", pot)); f.Code != "confirmation-needed" || !strings.Contains(f.Detail, "--yes") {
		tn.t.Errorf("a file that lacks half: %+v", f)
	}
	says(imports(pot, "--replace", "--yes"), "1 of them: the file does not name them")
	tn.ok("JUG", "catalog", "list", "--dir", "acorn", "--withdrawn", "jug")
	tn.ok("absent, since", "catalog", "list", "--dir", "acorn", "--all", "jug")

	says(tn.souk(exitFailure, "catalog", "remove", "--dir", "acorn", "POT", "NONE"), "does not have NONE; nothing was changed")
	tn.ok("POT is removed", "catalog", "remove", "--dir", "acorn", "POT")
	tn.ok("POT was removed already", "catalog", "remove", "--dir", "acorn", "POT", "--release-holds")
	says(imports(pot+jug), "Kept off sale: the file has 1 product that you have removed", "1 listed, 1 kept off sale")
	tn.ok("POT stays off sale: you have removed it", "catalog", "set-price", "--dir", "acorn", "POT=23.00")
	var list view.Products
	tn.read(&list, "catalog", "list", "--dir", "acorn", "--withdrawn", "pot")
	if len(list.Products) != 1 || list.Products[0].Listing.State != view.StateRemoved || list.Products[0].Stock.Available != 2 {
		tn.t.Errorf("the removed pot: %+v", list)
	}
	tn.ok("POT is for sale; 2 available", "catalog", "publish", "--dir", "acorn", "POT")
	tn.ok("24.50 EUR", "catalog", "set-price", "--dir", "acorn", "POT=24.50")
	tn.souk(exitUsage, "catalog", "set-price", "--dir", "acorn", "POT")
	tn.souk(exitUsage, "catalog", "set-price", "--dir", "acorn", "POT=1.234")
	tn.souk(exitFailure, "catalog", "set-price", "--dir", "acorn", "POT=0")

	says(imports(strings.Replace(pot, `"stock":2`, `"stock":5`, 1), "--stock-figure", "on-hand", "--as-of", "now", "--clock-slack", "0s", "--booked-within", "2m"), "changed     1", "1 listed")
	tn.ok("on-hand", "catalog", "sources", "--dir", "acorn")
	tn.ok("figure", "catalog", "history", "--dir", "acorn", "POT", "--limit", "1")
	tn.souk(exitFailure, "catalog", "history", "--dir", "acorn", "NONE")
	feed := tn.write("feed.csv", "Ref;Label;Cost;Left\nVAT-1;Vat;12,50;4\n")
	tn.ok("added       1", "catalog", "import", "--dir", "acorn", "--source", "presta", "--columns", "sku=Ref,title=Label,price=Cost,stock=Left", feed)
	tn.ok("unchanged   1", "catalog", "import", "--dir", "acorn", "--source", "presta", feed) // which it remembers
	tn.ok("12.50 EUR", "catalog", "list", "--dir", "acorn", "vat")
	tn.ok("columns sku=Ref", "catalog", "sources", "--dir", "acorn")
	for _, args := range [][]string{{"--stock-figure", "some"}, {"--as-of", "soon"}, {"--booked-within", "x"}, {"--columns", "="}} {
		tn.souk(exitUsage, append([]string{"catalog", "import", "--dir", "acorn", file}, args...)...)
	}
}

// write writes a file into the town's folder and returns its path.
func (tn *town) write(name, text string) string {
	tn.t.Helper()
	path := filepath.Join(tn.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tn.t.Fatal(err)
	}
	return path
}

// TestOffSale: what is promised of a product off sale and not there stands in its list, and a new
// price does not hide that it stays off.
func TestOffSale(t *testing.T) {
	of := func(state, reason string) view.Product {
		return view.Product{SKU: "POT", Shortfall: 3, Listing: &view.Listing{State: state, Reason: reason}}
	}
	var b bytes.Buffer
	p := &page{w: &b}
	catalogPage(p, &view.Products{Products: []view.Product{of(view.StateWithdrawn, "draft"), of(view.StateListed, "")}})
	for _, v := range []view.Product{of(view.StateWithdrawn, "draft"), of(view.StateRemoved, ""), of(view.StateListed, "")} {
		staysOffLine(p, &v)
	}
	for _, want := range []string{
		"draft, since –; 3 promised and not there\n", "listed     3 promised and not there\n",
		"POT stays off sale: your own system withdraws it (draft).", "POT stays off sale: you have removed it; souk catalog publish",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &b)
		}
	}
	if n := strings.Count(b.String(), "stays off"); n != 2 {
		t.Errorf("%d stay off sale, want 2:\n%s", n, &b)
	}
}
