package inventory

import (
	_ "embed"
	"strings"
	"sync"
)

// WooCommerce writes the header in the language of the administrator who exports. The
// values stay English.

//go:embed woo_headers.tsv
var wooHeadersText string

// translation is one language's labels.
type translation struct {
	language string
	labels   map[string]string // plain label → English label
	patterns []pattern         // labels with a number, a unit or a name in them
	units    map[string]string // of weight: plain label → English
}

// pattern is a label with one thing that varies.
type pattern struct {
	before, after string // plain
	digits        bool   // what varies is a number
	english       string // with %
}

// translations parses the embedded labels once.
var translations = sync.OnceValue(func() []*translation {
	var all []*translation
	var t *translation
	for line := range strings.Lines(wooHeadersText) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			t = &translation{language: strings.Trim(line, "[]"), labels: make(map[string]string), units: make(map[string]string)}
			all = append(all, t)
		default:
			labels := strings.Split(line, "\t")
			for _, label := range labels[1:] {
				t.add(labels[0], label)
			}
		}
	}
	return all
})

func (t *translation) add(english, label string) {
	switch english {
	case "kg", "g", "lbs", "oz":
		t.units[plainName(label)] = english
		return
	}
	for _, verb := range []string{"%d", "%s"} {
		if before, after, ok := strings.Cut(label, verb); ok {
			// A mark takes the place of what varies, so that the spaces beside it stay.
			whole := plainName(before + "\uf8ff" + after)
			before, after, _ = strings.Cut(whole, "\uf8ff")
			t.patterns = append(t.patterns, pattern{before, after, verb == "%d", strings.Replace(english, verb, "%", 1)})
			return
		}
	}
	if _, dup := t.labels[plainName(label)]; !dup {
		t.labels[plainName(label)] = english
	}
}

// english is the English label of a column, given its plain name; "" if the language
// has no such label.
func (t *translation) english(name string) string {
	if label := t.labels[name]; label != "" {
		return label
	}
	for _, p := range t.patterns {
		if len(name) <= len(p.before)+len(p.after) || !strings.HasPrefix(name, p.before) || !strings.HasSuffix(name, p.after) {
			continue
		}
		what := name[len(p.before) : len(name)-len(p.after)]
		if p.digits && !allDigits(what) || !p.digits && len(what) > maxNameShown {
			continue
		}
		if unit := t.units[what]; unit != "" {
			what = unit
		}
		return strings.Replace(p.english, "%", what, 1)
	}
	return ""
}

// wooLabels are the English labels, in plain form.
var wooLabels = sync.OnceValue(func() map[string]bool {
	labels := make(map[string]bool)
	for line := range strings.Lines(wooHeadersText) {
		if label, _, ok := strings.Cut(line, "\t"); ok {
			labels[plainName(label)] = true
		}
	}
	return labels
})

// wooCommas are the labels of all languages that have a comma in them, in plain form.
var wooCommas = sync.OnceValue(func() map[string]bool {
	labels := make(map[string]bool)
	for line := range strings.Lines(wooHeadersText) {
		for _, label := range strings.Split(strings.TrimRight(line, "\n"), "\t") {
			if line[0] != '#' && strings.Contains(label, ", ") {
				labels[plainName(label)] = true
			}
		}
	}
	return labels
})

// leastTranslated is how many labels of a language make a header one in it.
const leastTranslated = 2

// translate adds the English labels to a header in another language, the one that
// has most of its columns, and returns that. Labels that are in English stay.
func (h *header) translate() string {
	var best *translation
	most := leastTranslated - 1
	for _, t := range translations() {
		n := 0
		for name := range h.index {
			if t.english(name) != "" {
				n++
			}
		}
		if n > most {
			best, most = t, n
		}
	}
	english := 0
	for name := range h.index {
		if wooLabels()[name] {
			english++
		}
	}
	if best == nil || 4*most < english { // an English header may have a foreign word or two
		return ""
	}
	for i, name := range h.names {
		if label := best.english(plainName(name)); label != "" {
			h.add(label, column(i))
		}
	}
	// Versions and regions word a label in their own way. One that the language lacks and
	// every other that has it takes for the same column is that column.
	for i, name := range h.names {
		if label := inAnyLanguage(plainName(name)); label != "" && best.english(plainName(name)) == "" && !wooLabels()[plainName(name)] {
			h.add(label, column(i))
		}
	}
	// The newest columns are not translated everywhere; this one every language names
	// by the same four codes.
	for i, name := range h.names {
		if strings.Contains(name, "GTIN") && strings.Contains(name, "EAN") {
			h.add("GTIN, UPC, EAN, or ISBN", column(i))
		}
	}
	return best.language
}

// inAnyLanguage is the English label of a column by all languages that know its name; ""
// if none does, or if they disagree.
func inAnyLanguage(name string) string {
	found := ""
	for _, t := range translations() {
		switch label := t.english(name); {
		case label == "" || label == found:
		case found != "":
			return ""
		default:
			found = label
		}
	}
	return found
}
