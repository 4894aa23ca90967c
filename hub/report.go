package hub

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol/words"
)

// Report is what a hub says of itself.
type Report struct {
	Running    bool           `json:"running"`
	Version    string         `json:"version,omitempty"`
	Federation string         `json:"federation"` // its name
	Origin     string         `json:"origin"`
	LogKey     string         `json:"log_key"` // the verifier key of its checkpoints, in the form that tools for signed notes read
	Hub        membership.Hub `json:"hub"`
	StatusURL  string         `json:"status_url,omitempty"`

	Active    int      `json:"active"` // members
	Left      int      `json:"left"`
	Revoked   int      `json:"revoked"`
	Connected int      `json:"connected"` // members, now
	Entries   uint64   `json:"entries"`
	SignedAt  JSONTime `json:"signed_at"`
	Freshness string   `json:"freshness"` // fresh, ageing or stale
	Problems  []string `json:"problems"`  // empty when all is well
	Warnings  []string `json:"warnings"`  // of announced addresses that do not work; the hub serves all the same
}

// MemberInfo is one shop that is or was in the list.
type MemberInfo struct {
	Shop        exchange.ShopID `json:"shop"`
	Name        string          `json:"name"`
	Fingerprint string          `json:"fingerprint"` // six words, to be compared by telephone
	Status      string          `json:"status"`      // active, left or revoked
	JoinedAt    JSONTime        `json:"joined_at"`
	Since       JSONTime        `json:"since"` // of the status
	Why         string          `json:"why,omitempty"`
	Online      bool            `json:"online"`
	Transport   string          `json:"transport,omitempty"` // tcp, quic or relay
	Sells       string          `json:"sells,omitempty"`     // from its profile
	Web         string          `json:"web,omitempty"`
	Countries   []string        `json:"countries,omitempty"`
}

// report is the part of a Report that needs no running hub.
func report(p Public, list *roster.Roster, clock exchange.Clock) Report {
	state := list.State()
	r := Report{
		Federation: p.Federation.Name(), Origin: p.Federation.Origin, LogKey: p.Federation.VerifierKey(), Hub: p.Hub,
		Entries: state.Size(), SignedAt: JSONTime(state.Checkpoint().Time), Freshness: list.Freshness().String(), Problems: []string{}, Warnings: []string{},
	}
	for _, m := range state.Members() {
		switch m.Status {
		case membership.Active:
			r.Active++
		case membership.Left:
			r.Left++
		case membership.Revoked:
			r.Revoked++
		}
	}
	if state.Evidence() != nil {
		r.Problems = append(r.Problems, state.MayTakeOn(clock.Now()).Error())
	}
	return r
}

// memberInfos lists all shops in the order of joining.
func memberInfos(list *roster.Roster) []MemberInfo {
	out := []MemberInfo{}
	for _, m := range list.Members() {
		info := MemberInfo{
			Shop: m.Shop, Name: m.Name, Fingerprint: words.Fingerprint(m.Key), Status: m.Status.String(),
			JoinedAt: JSONTime(m.JoinedAt), Since: JSONTime(m.Since), Why: m.Why,
		}
		if p, _, ok := list.Profile(m.Shop); ok {
			info.Sells, info.Web, info.Countries = p.Sells, p.Web, p.Countries
		}
		out = append(out, info)
	}
	return out
}

// Report reports on the running hub.
func (h *Hub) Report() Report {
	r := report(Public{h.parts.Federation, h.parts.Hub}, h.list.roster, h.parts.Clock)
	r.Running, r.Version, r.StatusURL = true, h.parts.Version, h.StatusURL()
	for _, p := range h.net.Peers() {
		if h.list.roster.IsMember(p.Shop) {
			r.Connected++
		}
	}
	r.Problems, r.Warnings = append(r.Problems, h.problems()...), append(r.Warnings, h.announceProblems()...)
	return r
}

// problems are the faults of a running hub that its list does not show.
func (h *Hub) problems() []string {
	var out []string
	if state := h.list.roster.State(); state.Age(h.parts.Clock.Now()) > staleAfter {
		out = append(out, "the member list was last signed at "+state.Checkpoint().Time.String()+"; see the log for why it is not signed hourly")
	}
	if h.parts.Healthy != nil {
		if err := h.parts.Healthy(); err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

// Members lists all shops that are or were in the list, in the order of joining.
func (h *Hub) Members() []MemberInfo {
	infos := memberInfos(h.list.roster)
	online := map[exchange.ShopID]string{}
	for _, p := range h.net.Peers() {
		online[p.Shop] = p.Transport
	}
	for i := range infos {
		infos[i].Transport, infos[i].Online = online[infos[i].Shop], online[infos[i].Shop] != ""
	}
	return infos
}
