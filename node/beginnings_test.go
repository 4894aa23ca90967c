package node

import (
	"slices"
	"strings"
	"testing"
)

// state has shop.toml state a default, where its owner is told to.
func state(t *testing.T, dir string, d Default) {
	t.Helper()
	edit(t, dir, func(s string) string {
		lines := strings.Join(d.Lines, "\n") + "\n"
		if d.Table {
			return s + "\n" + lines
		}
		head, tables, ok := strings.Cut(s, "\n[")
		if !ok {
			t.Fatal("no table")
		}
		return head + "\n" + lines + "\n[" + tables
	})
}

// TestDefaultsAreStated: a new shop is told what it leaves to its defaults, each until it is
// stated; what it is told to write means what held before.
func TestDefaultsAreStated(t *testing.T) {
	dir := initShop(t)
	read := func() (Config, policyParts) {
		t.Helper()
		c, err := readConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := c.policy()
		if err != nil {
			t.Fatal(err)
		}
		return c, parts
	}
	_, before := read()
	list := Defaults()
	for i := range len(list) + 1 {
		c, now := read()
		if free, err := now.shipping.Price("SE", 30_000); err != nil || free != 0 || now.byHand != before.byHand || now.tax != before.tax {
			t.Errorf("with %d stated the shop sells by %+v, %v; before by %+v", i, now, err, before)
		}
		problems := c.defaultProblems()
		if i == len(list) {
			if len(problems) > 0 {
				t.Errorf("all is stated: %+v", problems)
			}
			break
		}
		if len(problems) != 1 || problems[0].Blocks {
			t.Fatalf("%d stated: %+v", i, problems)
		}
		for j, d := range list {
			if says := strings.Contains(problems[0].Detail, d.Means) && strings.Contains(problems[0].Detail, d.Lines[0]); says != (j >= i) {
				t.Errorf("%d stated; of %s the note says %v: %s", i, d.Key, says, problems[0].Detail)
			}
		}
		state(t, dir, list[i])
	}
}

// TestChangedConfig: a shop whose shop.toml is not what it runs by says so, whatever changed; a
// default that is only stated is no change.
func TestChangedConfig(t *testing.T) {
	dir := initShop(t)
	cfg, err := readConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &Shop{parts: Parts{Folder: dir, Config: cfg}}
	says := func(when string, names ...string) {
		t.Helper()
		var got []string
		for _, p := range s.configProblems() {
			if p.Blocks {
				t.Errorf("%s: %s keeps the shop from selling", when, p.Name)
			}
			got = append(got, p.Name)
		}
		if !slices.Equal(got, names) {
			t.Errorf("%s: %v, want %v", when, got, names)
		}
	}
	says("new", "defaults")
	state(t, dir, Defaults()[2])
	says("a default stated", "defaults")
	edit(t, dir, func(s string) string { return strings.Replace(s, "sells = ''", "sells = 'shoes'", 1) })
	says("a profile changed", "defaults", "config")
	edit(t, dir, func(s string) string { return s + "\n[tax]\ntreatment = 'some'\n" })
	says("unreadable", "config")
	if (&Shop{}).configProblems() != nil {
		t.Error("a shop without a folder has problems with it")
	}
}
