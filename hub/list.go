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

// list is the member list of which this hub is the author.
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

// submit appends a statement, once: one whose effect the list holds already, the same or another
// author's repetition, is not appended again. existing reports that. When it returns
// nil the list holds the statement, durably.
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

// judge reports whether the list holds st's effect; err refuses it. Whatever it does not
// refuse, Append holds against all rules.
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
	// What somebody else signed is worth no answer.
	return existing, st.Verify(state.Federation())
}

// nameFree refuses a name that people would take for an active member's: the list's rules
// allow it, because ShopIDs are what counts, but people go by names.
func nameFree(state *membership.State, join membership.Join) error {
	for _, m := range state.Members() {
		if m.Status == membership.Active && m.Shop != join.Shop && sameName(m.Name, join.Name) {
			return exchange.Errorf(exchange.CodeInvite, "a shop named %q is a member already; choose another name in shop.toml and join again", m.Name)
		}
	}
	return nil
}

// sameName compares names as nicknames are compared (RFC 8266): in any case and width of
// letters, with any spaces; hyphens, which a command line takes for spaces, too.
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

// renew signs the list again, so that it is seen to be current.
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
