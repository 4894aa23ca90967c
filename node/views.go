package node

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api"
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
	online := make(map[exchange.ShopID]int)
	peers := s.net.Peers()
	for i, p := range peers {
		online[p.Shop] = i + 1
	}
	var out []api.Member
	for _, m := range s.roster.Members() {
		view := api.Member{
			Shop: m.Shop, Self: m.Shop == s.me, Name: m.Name, Status: m.Status.String(), Joined: m.JoinedAt,
			Fingerprint: words.Fingerprint(m.Key), LastSeen: s.lastSeen(m.Shop), Departure: departureOf(m),
		}
		if i := online[m.Shop]; i > 0 {
			view.Online, view.Addresses, view.Transport, view.LastSeen = true, peers[i-1].Addresses, peers[i-1].Transport, s.now()
		}
		if view.Self {
			view.Online, view.Addresses, view.LastSeen = true, s.net.Addresses(), s.now()
		}
		if p, _, ok := s.roster.Profile(m.Shop); ok {
			view.Sells, view.Contact, view.Returns, view.Web = p.Sells, p.Contact, p.Returns, p.Web
			view.Currency, view.Countries = p.Currency, p.Countries
		}
		out = append(out, view)
	}
	return out, nil
}

func (s *Shop) lastSeen(shop exchange.ShopID) exchange.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[shop]
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
	switch {
	case shop == s.me:
		return api.Dialed{}, exchange.Errorf(exchange.CodeInvalid, "this is your own shop")
	case !s.roster.IsMember(shop):
		if g := s.Departure(shop); g != nil {
			return api.Dialed{}, exchange.Errorf(exchange.CodeNotMember, "%s is out of the federation, and no member may reach it: %s", s.nameOf(shop), g)
		}
		return api.Dialed{}, exchange.Errorf(exchange.CodeNotMember, "%v is not a member of this federation; see souk members", shop)
	}
	r, err := s.net.Dial(ctx, shop)
	if err != nil {
		return api.Dialed{}, s.unreached(shop, err)
	}
	return api.Dialed{Shop: shop, Path: r.Path, Address: r.Address, Transport: r.Transport, Direct: r.Direct, RTTs: r.RTTs}, nil
}

// unreachable is how long a supplier may be offline before its products show as
// not sellable now: a restart and a short outage pass unseen, a hold that cannot be
// placed does not.
const unreachable = 5 * time.Minute

// Search finds own and partners' products. It sees every answered write to an own product; see
// package replica.
func (s *Shop) Search(_ context.Context, q replica.Query) (api.Found, error) {
	page, err := s.feeds.replicas.Search(q)
	if err != nil {
		return api.Found{}, err
	}
	out := api.Found{Next: page.Next, Partial: page.Partial}
	for _, h := range page.Hits {
		out.Products = append(out.Products, s.found(h))
	}
	return out, nil
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
		f.AsOf = s.now()
	} else if st, ok := s.feeds.replicas.Status(h.ID.Shop); ok {
		f.AsOf = st.Refreshed
	}
	switch {
	case !h.Product.Available.Any():
		f.Why = "out of stock"
	case f.Own || s.net.Connected(h.ID.Shop):
		f.Sellable = true
	default:
		since := max(s.lastSeen(h.ID.Shop), s.started)
		if s.now().Sub(since) < unreachable {
			f.Sellable = true
		} else {
			f.Why = "the supplier has been offline since " + since.String()
		}
	}
	return f
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
		return message.StockLine{}, err
	}
	return lines[0], nil
}

func fingerprint(shop exchange.ShopID) string { return words.Fingerprint(ed25519.PublicKey(shop[:])) }

// Replicas are the catalogs this shop sees.
func (s *Shop) Replicas() *replica.Replicas { return s.feeds.replicas }
