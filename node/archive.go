package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/store/durable"
)

// archive is archive.json: all that this shop traded, for people and their accountants, and for
// the owner who finishes the open orders by hand once no node runs on the folder. It has
// consumers' addresses only of units still to be shipped, and only its owner may read it.
type archive struct {
	Shop       exchange.ShopID     `json:"shop"`
	Name       string              `json:"name"`
	Federation string              `json:"federation"`
	Written    string              `json:"written"`
	Ended      string              `json:"ended,omitempty"` // why this shop is out, where it knows
	Trades     []trade.Partnership `json:"trades"`
	Sales      []*record.Order     `json:"orders_sold"`
	Purchases  []*record.Order     `json:"orders_bought"`
	ToShip     []parcelFor         `json:"to_ship"`
}

// parcelFor is where the unshipped units of a sold order are to go.
type parcelFor struct {
	Order     exchange.OrderID `json:"order"`
	ShipTo    view.ShipTo      `json:"ship_to"`
	Reference string           `json:"reference,omitempty"`
	Note      string           `json:"note,omitempty"`
}

// archivePath is where the archive is, or will be; "" of a shop without a folder.
func (s *Shop) archivePath() string {
	if s.parts.Folder == "" {
		return ""
	}
	return filepath.Join(s.parts.Folder, archiveName)
}

// KeepArchive writes the archive of a departed shop, unless an archive was written since the
// departure, and returns its path. It returns "" of a shop that is a member as far as it knows,
// and of a shop without a folder.
func (s *Shop) KeepArchive() (string, error) {
	m, _ := s.roster.Member(s.me)
	path := s.archivePath()
	if departureOf(m) == nil || path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && exchange.TimeOf(info.ModTime()) >= m.Since:
		return path, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return path, s.writeArchive(path)
}

func (s *Shop) writeArchive(path string) error {
	a := archive{Shop: s.me, Name: s.nameOf(s.me), Federation: s.parts.Federation.Origin, Written: s.now().String(), ToShip: []parcelFor{}}
	if m, _ := s.roster.Member(s.me); departureOf(m) != nil {
		a.Ended = departureOf(m).String()
	}
	var err error
	if a.Trades, err = s.desk.Partnerships.List(); err != nil {
		return err
	}
	for side, list := range map[exchange.Party]*[]*record.Order{exchange.Supplier: &a.Sales, exchange.Retailer: &a.Purchases} {
		if err := s.desk.Orders.List(side, exchange.OrderID{}, func(r *record.Order) bool {
			*list = append(*list, r)
			return true
		}); err != nil {
			return err
		}
	}
	for _, r := range a.Sales {
		if !toShip(r) {
			continue
		}
		to, err := s.desk.Orders.Delivery(exchange.Supplier, r)
		switch {
		case err == nil:
			a.ToShip = append(a.ToShip, parcelFor{r.ID, view.ShipTo(to.ShipTo), to.Reference, to.Note})
		case exchange.CodeOf(err) != exchange.CodeNotFound: // CodeNotFound: the address was erased
			return err
		}
	}
	b, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	return durable.Write(path, append(b, '\n'), os.FileMode(0o600))
}

// toShip reports whether units of a sold order wait to be shipped.
func toShip(r *record.Order) bool {
	switch r.Order.Status() {
	case order.Submitted, order.Accepted, order.PartlyShipped:
		return true
	}
	return false
}
