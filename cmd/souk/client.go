package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/store"
)

// client is the API of the node that runs on the shop's folder; a node that starts is
// waited for.
func (a *app) client(cmd *cobra.Command) (*client.Client, error) {
	dir, err := a.shopDir()
	if err != nil {
		return nil, err
	}
	var c *client.Client
	err = a.awaitShop(cmd, dir, func() error {
		var err error
		if c, err = client.Open(dir); err == nil {
			err = c.Reachable(cmd.Context())
		}
		return err
	})
	if exchange.CodeOf(err) != exchange.CodeNotRunning {
		return c, err
	}
	if ok, herr := holdsFile(dir, shopFile); herr == nil && !ok {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s is not a shop's folder: it has no %s. Name one with --dir, or make one with souk node init", dir, shopFile)
	}
	if inUse(dir) {
		err = noAPIYet(dir)
	} else if kept, herr := holdsFile(dir, archiveFile); herr == nil && kept {
		err = exchange.Errorf(exchange.CodeNotRunning, "%w. If this shop is out of its federation, it runs no more, and all that it traded is in %s", err, filepath.Join(dir, archiveFile))
	}
	return nil, err
}

// inUse reports whether a process has a shop's folder locked.
func inUse(dir string) bool {
	if ok, err := holdsFile(dir, shopFile); err != nil || !ok {
		return false
	}
	_, held, err := store.Holder(dir)
	return err == nil && held
}

// noAPIYet says, as CodeNotRunning, why a process that has the folder does not answer.
func noAPIYet(dir string) error {
	pid := store.LockedBy(dir)
	if joined, err := holdsFile(dir, federationFile); err == nil && !joined {
		return exchange.Errorf(exchange.CodeNotRunning, "the node runs on %s (process %d) and waits for its hub to let the shop in; its own output says why. Ask the hub's operator whether the hub runs", dir, pid)
	}
	return exchange.Errorf(exchange.CodeNotRunning, "process %d uses %s and its API does not answer: it is starting or stopping. Try again in a moment", pid, dir)
}

// withClient is a command's body that needs the running node.
func (a *app) withClient(body func(cmd *cobra.Command, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.client(cmd)
		if err != nil {
			return err
		}
		return body(cmd, c, args)
	}
}

// sayEarlier says that the running node is of an earlier version, where the command goes on with what
// that node can tell.
func sayEarlier(cmd *cobra.Command) {
	fmt.Fprintln(cmd.ErrOrStderr(), "souk: warning: "+client.EarlierNode)
}

// federation is the member list as short forms need it.
type federation struct {
	shops []known
	self  exchange.ShopID
	views []view.Member
}

func loadFederation(ctx context.Context, c *client.Client) (*federation, error) {
	list, err := c.Members(ctx)
	if err != nil {
		return nil, err
	}
	return federationOf(list), nil
}

func federationOf(list *view.Members) *federation {
	f := &federation{views: list.Members}
	for _, m := range list.Members {
		f.shops = append(f.shops, known{m.Shop, m.Name, m.Status == membership.Active.String()})
		if m.Self {
			f.self = m.Shop
		}
	}
	return f
}

// partner is another shop of the federation.
func (f *federation) partner(ref string) (known, error) {
	k, err := findShop(f.shops, ref)
	if err == nil && k.shop == f.self {
		return k, usagef("%s is this shop itself", ref)
	}
	return k, err
}

// findPartner is another shop of the federation, and the federation.
func findPartner(ctx context.Context, c *client.Client, ref string) (*federation, known, error) {
	fed, err := loadFederation(ctx, c)
	if err != nil {
		return nil, known{}, err
	}
	shop, err := fed.partner(ref)
	return fed, shop, err
}

// ref is what findShop understands as shop and people can read: its name, unless
// another shop goes by the same.
func (f *federation) ref(shop exchange.ShopID) string {
	for _, k := range f.shops {
		if k.shop != shop {
			continue
		}
		name := hyphens(k.name)
		if found, err := findShop(f.shops, name); err == nil && found.shop == shop && inert(name) == name {
			return name
		}
	}
	return shop.String()
}

// productRef is what names a product in the next command.
func (f *federation) productRef(id exchange.ProductID) string {
	if id.Shop == f.self {
		return string(id.SKU)
	}
	return f.ref(id.Shop) + ":" + string(id.SKU)
}

// name is a shop's name, or the end of its ID where the list has none.
func (f *federation) name(shop exchange.ShopID) string {
	for _, k := range f.shops {
		if k.shop == shop && k.name != "" {
			return k.name
		}
	}
	return "…" + shop.Short()
}
