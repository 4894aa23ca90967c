package members

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
)

// JoinRequest is what a shop joins with.
type JoinRequest struct {
	Invite   membership.Invite
	Key      ed25519.PrivateKey // the shop's
	Name     string             // the shop's; where the invite fixes a name, that name holds
	Recovery [32]byte           // SHA-256 of the offline recovery public key
}

// Ask carries one request to the hub's open host and its answer back.
type Ask func(ctx context.Context, request []byte) (reply []byte, err error)

// Join asks the hub to enter the shop and returns the whole list, the shop's entry included. The
// caller verifies the list with [membership.State.Apply]. Join may be repeated after a lost answer
// or a crash: the same invite and key give the same entry. A refusal of the hub's is CodeInvite,
// with the reason.
func Join(ctx context.Context, r JoinRequest, ask Ask) (membership.Bundle, error) {
	name := r.Name
	if fixed := r.Invite.Token.ShopName; fixed != "" {
		name = fixed
	}
	statement, err := membership.NewJoin(r.Invite, r.Key, name, r.Recovery)
	if err != nil {
		return membership.Bundle{}, err
	}
	raw, err := membership.EncodeStatement(statement)
	if err != nil {
		return membership.Bundle{}, err
	}
	return collect(ctx, func(ctx context.Context, index []byte) ([]byte, error) {
		return ask(ctx, append(index, raw...))
	}, r.Invite.Federation, 0)
}

// Submit has the hub enter a statement of any kind, through the hub's open host. Submit may be
// repeated: a statement that is in the list is not entered again. nil means that the hub, whose
// key the connection proves, has stored the statement durably.
func Submit(ctx context.Context, st membership.Statement, ask Ask) error {
	raw, err := membership.EncodeStatement(st)
	if err != nil {
		return err
	}
	_, err = ask(ctx, append(make([]byte, 8), raw...))
	return err
}

// ParseSubmission reads a request of protocol join, at the hub, and verifies no signature. A nil
// statement means that a shop asks for its status.
func ParseSubmission(request []byte) (from uint64, st membership.Statement, err error) {
	if len(request) < 8 {
		return 0, nil, exchange.Errorf(exchange.CodeInvalid, "a join request has at least 8 bytes, not %d", len(request))
	}
	if IsQuestion(request) {
		return binary.BigEndian.Uint64(request), nil, nil
	}
	st, err = membership.DecodeStatement(request[8:])
	return binary.BigEndian.Uint64(request), st, err
}

// Leave asks the hub to enter the shop's leave statement, and applies the entry. CodeUnavailable
// leaves the outcome unknown: call Leave again or, where the hub does not admit this shop any more,
// Submit the same statement.
func Leave(ctx context.Context, n *p2p.Node, hub exchange.ShopID, list *roster.Roster, leave membership.Leave) error {
	raw, err := membership.EncodeStatement(leave)
	if err != nil {
		return err
	}
	reply, err := n.Request(ctx, hub, protocol.Leave, raw)
	if m, _ := list.Member(leave.Shop); m.Status != membership.Active {
		return nil // the entry came by gossip, whatever became of the answer
	}
	if err != nil {
		return err
	}
	b, err := membership.DecodeBundle(reply)
	if err != nil {
		return err
	}
	if b.From > list.State().Size() {
		return nil // the hub has the entry; the own list lacks older entries and will be pulled
	}
	return list.Apply(b)
}
