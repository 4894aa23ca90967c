package hub

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

// settle lets the hub sign: at once where the list names no member, else after the hub has listened
// to the members (see the package's doc).
func (h *Hub) settle(ctx context.Context, group *errgroup.Group) {
	state := h.list.roster.State()
	if !slices.ContainsFunc(state.Members(), func(m membership.Member) bool { return m.Status == membership.Active }) {
		close(h.settled)
		return
	}
	wait := settleTime
	if state.Age(h.parts.Clock.Now()) > staleAfter {
		wait = settleStale
		h.log.Warn("the member list was last signed long ago; asking members for a newer one before anything is signed",
			"signed", state.Checkpoint().Time, "entries", state.Size(), "wait", wait)
	}
	group.Go(func() error {
		select {
		case <-time.After(wait):
			close(h.settled)
		case <-ctx.Done():
		}
		return nil
	})
}

// submit enters a statement as soon as the hub has settled.
func (h *Hub) submit(ctx context.Context, st membership.Statement) error {
	select {
	case <-h.settled:
	case <-ctx.Done():
	case <-time.After(settleWait):
	}
	select {
	case <-h.settled:
	default:
		return exchange.Errorf(exchange.CodeUnavailable, "the hub was away and asks its members for a newer list first; try again in %v", settleStale)
	}
	_, err := h.list.submit(st)
	h.metrics.submitted(st.Kind(), err)
	if fatal(err) {
		h.fail(err)
	}
	return err
}

func (h *Hub) fail(err error) {
	select {
	case h.failed <- err:
	default:
	}
}

// renewals signs the list when it is settled, and hourly.
func (h *Hub) renewals(ctx context.Context) error {
	select {
	case <-h.settled:
	case <-ctx.Done():
		return nil
	}
	for {
		wait := renewEvery
		if err := h.list.renew(); err != nil {
			if fatal(err) {
				return err
			}
			h.log.Error("the member list could not be signed again", "err", err)
			wait = retryEvery
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// serveJoin answers requests at the open host: a statement from anybody, of which only the
// signatures count, or the question of a shop for its status.
func (h *Hub) serveJoin(ctx context.Context, asking exchange.ShopID, req []byte) ([]byte, error) {
	from, st, err := members.ParseSubmission(req)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return h.memberStatus(asking, from)
	}
	if err := h.submit(ctx, st); err != nil {
		return nil, err
	}
	if st.Kind() != membership.KindJoin {
		return nil, nil
	}
	return h.bundle(from, p2p.MaxOpenReply)
}

// serveLeave answers a member that leaves.
func (h *Hub) serveLeave(ctx context.Context, _ exchange.ShopID, req []byte) ([]byte, error) {
	st, err := membership.DecodeStatement(req)
	if err != nil {
		return nil, err
	}
	if st.Kind() != membership.KindLeave {
		return nil, exchange.Errorf(exchange.CodeInvalid, "this is no leave statement")
	}
	if err := h.submit(ctx, st); err != nil {
		return nil, err
	}
	const newest = 8 // entries; a shop that lacks more entries pulls
	size := h.list.roster.State().Size()
	return h.bundle(size-min(size, newest), p2p.MaxMessage)
}

func (h *Hub) bundle(from uint64, limit int) ([]byte, error) {
	b, err := h.list.roster.Bundle(from, limit)
	if err != nil {
		return nil, err
	}
	return b.Encode()
}

// cut disconnects a shop that is no member any more. A revoked shop is disconnected at once, a shop
// that left when the answer to its leave has travelled.
func (h *Hub) cut(shop exchange.ShopID, why string) {
	if m, _ := h.list.roster.Member(shop); m.Status == membership.Left {
		select {
		case h.departed <- shop:
			return
		default:
		}
	}
	h.net.Disconnect(shop, why)
}

// disconnectDeparted disconnects the shops that left.
func (h *Hub) disconnectDeparted(ctx context.Context) error {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for {
		select {
		case shop := <-h.departed:
			waiting.Go(func() {
				select {
				case <-time.After(leaveGrace):
				case <-ctx.Done():
				}
				if !h.list.roster.IsMember(shop) {
					h.net.Disconnect(shop, "left the federation")
				}
			})
		case <-ctx.Done():
			return nil
		}
	}
}

// hellos are the hub's hellos. The hub does not trade, so its hello has only its version and
// its checkpoint.
type hellos struct{ h *Hub }

// Hello implements p2p.Hellos.
func (s hellos) Hello(to exchange.ShopID) []byte {
	checkpoint, _ := s.h.sync.HelloPart()
	raw, err := protocol.Codec{}.Encode(&message.Hello{Agent: "souk-hub/" + s.h.parts.Version, Members: checkpoint})
	if err != nil {
		s.h.log.Error("making a hello", "to", to, "err", err)
	}
	return raw
}

// Greet implements p2p.Hellos.
func (s hellos) Greet(from exchange.ShopID, raw []byte) error {
	v, err := protocol.Codec{}.Decode(message.KindHello, raw)
	if err != nil {
		return err
	}
	hello := v.(*message.Hello)
	s.h.sync.Greeted(from, hello.Members, hello.Profile)
	return nil
}
