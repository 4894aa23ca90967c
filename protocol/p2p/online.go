package p2p

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
)

// A request of the reach protocol asks a hub, or a member that relays, who is connected to it. One of a
// version before refuses it as unknown, and a member that does not relay as unavailable.
//
//	request = askOnline (1 byte)
//	reply   = uvarint count ‖ count × ShopID (32 bytes), ascending, without the asking member

// maxOnline bounds a reply: what fits into MaxMessage, with room for the frame.
const maxOnline = 16 << 10

// onlineTimeout bounds one question. Whoever does not answer has been disconnected by then: suspectAfter
// and suspectTimeout have passed.
const onlineTimeout = 4 * time.Second

// Online asks the connected hubs, and members that relay, which members are connected to them. It
// returns for each of these who says so, hubs before members; and whether a hub answered. Where none did,
// nothing is known of who is not among them: a member tells who is connected to itself, and not all are.
func (n *Node) Online(ctx context.Context) (by map[exchange.ShopID]exchange.ShopID, known bool) {
	ctx, cancel := context.WithTimeout(ctx, onlineTimeout)
	defer cancel()
	var ask []*session
	for _, ses := range n.sessions.greeted() {
		if n.gate.hubs[ses.peer] || n.sessions.relays(ses) {
			ask = append(ask, ses)
		}
	}
	slices.SortFunc(ask, func(a, b *session) int { return boolInt(n.gate.hubs[b.peer]) - boolInt(n.gate.hubs[a.peer]) })
	answers := make([][]exchange.ShopID, min(len(ask), onlineAsked))
	answered := make([]bool, len(answers))
	var work sync.WaitGroup
	for i := range answers {
		work.Go(func() {
			b, err := n.requests.ask(ctx, ask[i].shop, reachName, []byte{askOnline})
			if err == nil {
				answers[i], err = parseOnline(b)
			}
			if answered[i] = err == nil; err != nil {
				n.log.Debug("a hub or relay does not tell who is connected to it", "who", ask[i].shop, "err", err)
			}
		})
	}
	work.Wait()
	by = map[exchange.ShopID]exchange.ShopID{}
	for i, shops := range answers {
		known = known || answered[i] && n.gate.hubs[ask[i].peer]
		for _, shop := range shops {
			if _, told := by[shop]; !told {
				by[shop] = ask[i].shop
			}
		}
	}
	return by, known
}

// onlineAsked bounds how many are asked at once: a hub or two and the relays of most shops.
const onlineAsked = 4

// serveOnline answers askOnline.
func (n *Node) serveOnline(from exchange.ShopID) ([]byte, error) {
	if !n.cfg.Hub && !n.service.serves() {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "this member does not relay, and tells nobody who is connected to it")
	}
	var shops []exchange.ShopID
	for _, ses := range n.sessions.greeted() {
		if ses.shop != from && !n.gate.hubs[ses.peer] && n.gate.admits(ses.peer) {
			shops = append(shops, ses.shop)
		}
	}
	slices.SortFunc(shops, exchange.ShopID.Compare)
	return appendOnline(nil, shops[:min(len(shops), maxOnline)]), nil
}

func appendOnline(dst []byte, shops []exchange.ShopID) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(shops)))
	for _, shop := range shops {
		dst = append(dst, shop[:]...)
	}
	return dst
}

func parseOnline(b []byte) ([]exchange.ShopID, error) {
	c := cursor(b)
	count, err := c.uvarint()
	if err != nil || count > maxOnline {
		return nil, errFrame
	}
	shops := make([]exchange.ShopID, 0, min(count, uint64(len(c)/len(exchange.ShopID{}))))
	for range count {
		raw, err := c.take(len(exchange.ShopID{}))
		if err != nil {
			return nil, err
		}
		shop, err := exchange.ShopIDFromBytes(raw)
		if err != nil {
			return nil, err
		}
		shops = append(shops, shop)
	}
	return shops, nil
}
