package node

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/store/tomlfile"
)

// What a shop sells by before its owner has said anything, and how the owner says it.

// Default is something of shop.toml that the owner has not stated.
type Default struct {
	Key   string // of shop.toml
	Means string // what holds then: "shipping is free, everywhere"
	// Lines state the default as it is; Table says that they begin with a table's name. They belong
	// at the end of the file, other lines before its first table.
	Lines []string
	Table bool
}

var defaults = []Default{
	{Key: "shipping", Means: "shipping is free, everywhere and at any weight", Lines: []string{"[[shipping]]", `flat = "0"`}, Table: true},
	{Key: "tax", Means: "quotes say that your prices have no tax", Lines: []string{"[tax]", `treatment = "none"`}, Table: true},
	{Key: "accept_by_hand", Means: "orders are accepted as they come, which binds you to ship", Lines: []string{"accept_by_hand = false"}},
}

// Defaults lists what a new shop.toml leaves to its defaults.
func Defaults() []Default { return slices.Clone(defaults) }

// unstated are the keys of defaults that a readable shop.toml does not state.
func unstated(path string) ([]string, error) {
	keys := make([]string, len(defaults))
	for i, d := range defaults {
		keys[i] = d.Key
	}
	return tomlfile.Lacks(path, keys...)
}

// configHead begins a new shop.toml, and configTail ends it. What they show is a comment, so that
// a new shop has not stated it. A test reads them without the comment signs.
const (
	configHead = `# Settings of this shop. They are read at the start: restart the node after a change.
#
# accept_by_hand, tax (at the end) and shipping (at the end) are not stated yet: orders are
# accepted as they come, quotes say that there is no tax, and shipping is free, everywhere.
# State them, also where they stay as they are; until then souk doctor reminds you.
#
# Whether orders wait for souk order accept (true), or are accepted as they come (false):
# accept_by_hand = false

`
	configTail = `
# How tax stands in your prices: included, excluded, reverse-charge or none, and the rate in
# percent. Souk computes no tax; partners see this in quotes.
#
# [tax]
# treatment = "included"
# rate = "20"

# Shipping prices, in the shop's currency: the first table that names the country
# applies, else the first that names none. Where tables are given and none applies, you do
# not ship there. For free shipping, everywhere, state one table with flat = "0".
#
# [[shipping]]
# countries = ["SE", "NO"]
# flat = "4.90"
#
# [[shipping]]
# countries = []
# bands = [{ up_to_grams = 2000, price = "9.90" }, { up_to_grams = 20000, price = "19.90" }]

# What the stock figures of a product file mean; see souk catalog import --help. The name
# is that of --source; a file without one has its format for a name, such as shopify.
#
# [[source]]
# name = "shopify"
# stock_figure = "free-unaware"
#
# [[source]]
# name = "till"
# stock_figure = "free"
# booked_within = "2m"
# clock_slack = "5s"
`
)

// writeConfig writes a new folder's shop.toml.
func writeConfig(dir string, c Config) error {
	return tomlfile.Write(filepath.Join(dir, configFile), configHead, c, configTail)
}

// configProblems says what the owner has left to its defaults, and where shop.toml is not what the
// shop was started with.
func (s *Shop) configProblems() []api.Problem {
	if s.parts.Folder == "" {
		return nil
	}
	now, err := readConfig(s.parts.Folder)
	if err != nil {
		return []api.Problem{{Name: "config", Detail: "the shop goes by what " + configFile + " said when it started, and could not start again: " + err.Error()}}
	}
	list := now.defaultProblems()
	was := s.parts.Config
	if now.unstated, was.unstated = nil, nil; !reflect.DeepEqual(now, was) {
		list = append(list, api.Problem{Name: "config", Detail: configFile + " has changed since the node started, which goes by what it said then: restart the node. Nothing that was answered is lost by that"})
	}
	return list
}

// defaultProblems is a note on what the owner has left to its defaults.
func (c Config) defaultProblems() []api.Problem {
	var keys, means, tables, lines []string
	for _, d := range defaults {
		if !slices.Contains(c.unstated, d.Key) {
			continue
		}
		keys, means = append(keys, d.Key), append(means, d.Means)
		if d.Table {
			tables = append(tables, strings.Join(d.Lines, " "))
		} else {
			lines = append(lines, strings.Join(d.Lines, " "))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var how []string
	if len(lines) > 0 {
		how = append(how, "before the first line that begins with a bracket: "+strings.Join(lines, "; "))
	}
	if len(tables) > 0 {
		how = append(how, "at the end, each part on a line of its own: "+strings.Join(tables, "; "))
	}
	return []api.Problem{{Name: api.ProblemDefaults, Detail: configFile + " does not state " + enumerate(keys) + ", so " + enumerate(means) +
		". Decide whether that is what you want. To keep it, state it (" + strings.Join(how, "; ") + "); to change it, state something else, and restart the node"}}
}

// enumerate is "a, b and c".
func enumerate(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
