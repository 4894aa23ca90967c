package hub

import (
	"crypto/ed25519"
	"log/slog"
	"strings"
	"sync"

	"golang.org/x/text/secure/precis"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
)

// list is the member list as its author has it: with the log key and one writer at a time.
type list struct {
	roster *roster.Roster
	key    ed25519.PrivateKey // the log key
	clock  exchange.Clock
	log    *slog.Logger

	mu sync.Mutex // held from judging a statement to appending it
}

func openList(s kv.Store, fed membership.Federation, key ed25519.PrivateKey, clock exchange.Clock, log *slog.Logger) (*list, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r, err := roster.Open(roster.Config{Store: s, Federation: fed, Clock: clock, Log: log})
	if err != nil {
		return nil, err
	}
	return &list{roster: r, key: key, clock: clock, log: log}, nil
}

// submit appends a statement, once. A statement whose effect the list has already is not appended
// again, and existing is true. nil means that the list has the statement's effect, durably.
func (l *list) submit(st membership.Statement) (existing bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if existing, err = l.judge(st); existing || err != nil {
		return existing, err
	}
	b, err := l.roster.Append(l.key, st)
	if err != nil {
		return false, err
	}
	l.log.Info("member list", "entry", b.From, "statement", describe(st))
	return false, nil
}

// judge reports whether the list has st's effect already. An error refuses st. Append then checks
// the statement against all rules.
func (l *list) judge(st membership.Statement) (existing bool, err error) {
	state := l.roster.State()
	switch s := st.(type) {
	case membership.Join:
		if _, existing, err = state.CheckJoin(s, l.clock.Now()); existing || err != nil {
			return existing, err
		}
		return false, nameFree(state, s)
	case membership.Leave:
		m, ok := state.Member(s.Shop)
		existing = ok && m.Status != membership.Active && m.Index == s.Joined
	case membership.Void:
		existing = state.Invite(s.Invite).Voided
	case membership.Revoke:
		m, _ := state.Member(s.Shop)
		existing = m.Status == membership.Revoked
	}
	// A statement that is forged gets no answer, even where the list has its effect.
	return existing, st.Verify(state.Federation())
}

// nameFree refuses a name that people would take for an active member's. The list's rules allow
// such a name, because they go by ShopIDs; people go by names.
func nameFree(state *membership.State, join membership.Join) error {
	for _, m := range state.Members() {
		if m.Status == membership.Active && m.Shop != join.Shop && sameName(m.Name, join.Name) {
			return exchange.Errorf(exchange.CodeInvite, "a shop named %q is a member already; choose another name in shop.toml and join again", m.Name)
		}
	}
	return nil
}

// sameName compares names as nicknames are compared (RFC 8266): case and width of letters do not
// count, nor how many spaces. A hyphen is a space, as on the command line.
func sameName(a, b string) bool {
	key := func(name string) string {
		name = strings.ReplaceAll(name, "-", " ")
		if k, err := precis.Nickname.CompareKey(name); err == nil {
			return k
		}
		return strings.ToLower(name)
	}
	return key(a) == key(b)
}

// renew signs the list again, so that shops see that the list is current.
func (l *list) renew() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.roster.Append(l.key)
	return err
}

// describe is a statement in a few words, for the log.
func describe(st membership.Statement) string {
	switch s := st.(type) {
	case membership.Join:
		return "join " + s.Shop.String() + " by invite " + s.Token.ID.String()
	case membership.Leave:
		return "leave " + s.Shop.String()
	case membership.Void:
		return "void invite " + s.Invite.String()
	case membership.Revoke:
		return "revoke " + s.Shop.String()
	}
	return "unknown"
}

// fatal reports an error after which nobody knows what is stored: the process must end.
func fatal(err error) bool { return exchange.CodeOf(err) == exchange.CodeInternal }
