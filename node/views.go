package node

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/protocol/words"
)

// What the API asks of a shop: the interfaces of package api.
var (
	_ api.Members  = (*Shop)(nil)
	_ api.Importer = (*Shop)(nil)
	_ api.Catalog  = (*Shop)(nil)
	_ api.Shop     = (*Shop)(nil)
)

// Members lists all shops that are or were members, in the order of joining.
func (s *Shop) Members(context.Context) ([]api.Member, error) {
	connected := make(map[exchange.ShopID]*p2p.PeerInfo)
	peers := s.net.Peers()
	for i := range peers {
		connected[peers[i].Shop] = &peers[i]
	}
	var out []api.Member
	for _, m := range s.roster.Members() {
		view := api.Member{
			Shop: m.Shop, Self: m.Shop == s.me, Name: m.Name, Status: m.Status.String(), Joined: m.JoinedAt,
			Fingerprint: words.Fingerprint(m.Key), LastSeen: s.reach.lastSeen(m.Shop), Departure: departureOf(m),
		}
		if p := connected[m.Shop]; p != nil {
			view.Connected, view.Addresses, view.Transport, view.LastSeen = true, p.Addresses, p.Transport, s.now()
			view.Relay, view.Way = relayOf(*p), s.reach.wayText(*p)
		}
		if view.Self {
			view.Connected, view.Addresses, view.LastSeen = true, s.net.Addresses(), s.now()
		}
		if p, _, ok := s.roster.Profile(m.Shop); ok {
			view.Sells, view.Contact, view.Returns, view.Web = p.Sells, p.Contact, p.Returns, p.Web
			view.Currency, view.Countries = p.Currency, p.Countries
		}
		out = append(out, view)
	}
	return out, nil
}

// nameOf is a shop's name in the member list, or the end of its ID.
func (s *Shop) nameOf(shop exchange.ShopID) string {
	if m, ok := s.roster.Member(shop); ok {
		return m.Name
	}
	return shop.Short()
}

// Dial reaches a member directly by its ID and measures the way.
func (s *Shop) Dial(ctx context.Context, shop exchange.ShopID) (api.Dialed, error) {
	if err := s.reach.mayDial(shop); err != nil {
		return api.Dialed{}, err
	}
	r, err := s.net.Dial(ctx, shop)
	if err != nil {
		return api.Dialed{}, s.reach.unreached(shop, err)
	}
	way := s.reach.wayText(p2p.PeerInfo{Addresses: []string{r.Address}, Transport: r.Transport, Direct: r.Direct})
	return api.Dialed{Shop: shop, Path: r.Path, Address: r.Address, Transport: r.Transport, Direct: r.Direct, Way: way, RTTs: r.RTTs}, nil
}

// startGrace is how long after this shop's start a supplier that was neither reached nor dialed in
// vain may still be expected: a dial by three paths takes as long.
const startGrace = 30 * time.Second

// Search finds own and partners' products. It sees every answered write to an own product; see
// package replica.
func (s *Shop) Search(_ context.Context, q replica.Query) (api.Found, error) {
	page, err := s.feeds.replicas.Search(q)
	if err != nil {
		return api.Found{}, err
	}
	out := api.Found{Next: page.Next, Partial: page.Partial, Removed: page.Removed}
	for _, h := range page.Hits {
		out.Products = append(out.Products, s.found(h))
	}
	return out, nil
}

// Count counts what a search finds.
func (s *Shop) Count(_ context.Context, q replica.Query) (replica.Total, error) {
	return s.feeds.replicas.Count(q)
}

// Removals says since when the removals of each shop's products are known.
func (s *Shop) Removals(context.Context) map[exchange.ShopID]exchange.Time {
	return s.feeds.replicas.Horizon()
}

// Product is one product of a catalog that this shop sees. An own product is read from the shelf.
func (s *Shop) Product(_ context.Context, id exchange.ProductID) (api.FoundProduct, error) {
	h, err := s.feeds.replicas.Product(id)
	if err != nil {
		return api.FoundProduct{}, err
	}
	return s.found(h), nil
}

func (s *Shop) found(h replica.Hit) api.FoundProduct {
	f := api.FoundProduct{Hit: h, ShopName: s.nameOf(h.ID.Shop), Own: h.ID.Shop == s.me}
	if f.Own {
		f.AsOf, f.Shortfall = s.now(), s.desk.Shelf.Shortfalls().Of(h.ID.SKU)
	} else if st, ok := s.feeds.replicas.Status(h.ID.Shop); ok {
		f.AsOf = st.Refreshed
	}
	f.Sellable, f.Why = s.sellable(h.ID.Shop, h.Product.Available)
	s.costs(&f)
	return f
}

// sellable reports whether a product could be held now, and why not. That its supplier is not
// connected is reason enough: a hold would not be placed. It is again as soon as the supplier is.
func (s *Shop) sellable(supplier exchange.ShopID, available exchange.Availability) (ok bool, why string) {
	switch {
	case !available.Any():
		return false, "out of stock"
	case supplier == s.me || s.net.Connected(supplier):
		return true, ""
	}
	seen := s.reach.lastSeen(supplier)
	switch {
	case seen != 0:
		return false, "the supplier is not reachable since " + seen.String()
	case !s.net.Away(supplier) && s.now().Sub(s.started) < startGrace:
		return true, ""
	}
	return false, "the supplier was not reachable since this shop started, " + s.started.String()
}

// Live asks a product's supplier what is available now.
func (s *Shop) Live(ctx context.Context, id exchange.ProductID) (message.StockLine, error) {
	if id.Shop == s.me {
		rec, err := s.desk.Shelf.Product(id.SKU)
		if err != nil {
			return message.StockLine{}, err
		}
		stock, err := s.desk.Shelf.Stock(id.SKU)
		return message.StockLine{SKU: id.SKU, Known: true, Available: stock.Availability(), Price: rec.Product.Price}, err
	}
	lines, err := s.desk.Retailer.AskStock(ctx, id.Shop, []exchange.SKU{id.SKU})
	if err != nil {
		return message.StockLine{}, s.reach.unreached(id.Shop, err)
	}
	return lines[0], nil
}

func fingerprint(shop exchange.ShopID) string { return words.Fingerprint(ed25519.PublicKey(shop[:])) }

// Replicas are the catalogs this shop sees.
func (s *Shop) Replicas() *replica.Replicas { return s.feeds.replicas }
