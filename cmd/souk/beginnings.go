package main

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// What a shop sells by before its owner has said anything is told where it begins to matter.

// defaultsPage says what a new shop leaves to its defaults, and the lines that state them.
func defaultsPage(p *page, dir string) {
	p.line("Until you state otherwise in %s:", filepath.Join(dir, shopFile))
	for _, d := range node.Defaults() {
		p.line("  – %s", d.Means)
	}
	p.line("The file shows, as comments, what you may state instead. To keep what holds, state it, and")
	p.line("souk doctor says no more of it:")
	for _, table := range []bool{false, true} {
		where := "before the first line that begins with [:"
		if table {
			where = "at the end of the file:"
		}
		p.line("  %s", where)
		for _, d := range node.Defaults() {
			for _, l := range d.Lines {
				if d.Table == table {
					p.line("    %s", l)
				}
			}
		}
	}
	p.line("After a change of the file, restart the node.")
}

// firstSale says, where the shop begins to sell to a first partner, what its owner has left to
// its defaults; "" elsewhere. made are the partnerships that a command has just changed.
func firstSale(ctx context.Context, c *client.Client, made []view.Partnership) string {
	sells := slices.ContainsFunc(made, func(t view.Partnership) bool { return t.Direction == view.Sell })
	if !sells {
		return ""
	}
	all, err := c.Partnerships(ctx)
	if err != nil || slices.ContainsFunc(all.Partnerships, func(t view.Partnership) bool {
		return t.Direction == view.Sell && t.Version > 0 && !slices.ContainsFunc(made, func(m view.Partnership) bool { return m.Partner == t.Partner })
	}) {
		return ""
	}
	ready, err := c.Ready(ctx)
	if err != nil {
		return "" // what was done is done; souk doctor says the rest
	}
	for _, p := range ready.Problems {
		if p.Name == view.ProblemDefaults {
			return p.Detail
		}
	}
	return ""
}
