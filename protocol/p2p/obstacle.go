package p2p

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	ma "github.com/multiformats/go-multiaddr"
)

// Obstacle is what kept a dial from getting through at one address.
type Obstacle struct {
	Address string // multiaddr
	Place   string // the address, or the name that was not found, for a person; "" where none is to blame
	Kind    ObstacleKind
	Text    string // what the place does, for a person: "refuses: …"
}

// String is a sentence without its full stop.
func (o Obstacle) String() string { return strings.TrimSpace(o.Place + " " + o.Text) }

// ObstacleKind says what an Obstacle is.
type ObstacleKind string

// Kinds of obstacle.
const (
	ObstacleName     ObstacleKind = "name"      // it was not found, or nobody could be asked
	ObstacleNoWay    ObstacleKind = "no-way"    // this machine, or a router, has no way there
	ObstacleLocal    ObstacleKind = "forbidden" // this machine does not let the program send there
	ObstacleRefused  ObstacleKind = "refused"   // the machine is there, and nothing listens
	ObstacleSilent   ObstacleKind = "silent"    // nothing comes back
	ObstacleStranger ObstacleKind = "stranger"  // something answers, and it is not Souk
	ObstacleKey      ObstacleKind = "key"       // Souk answers, with another peer's key
	ObstacleRelay    ObstacleKind = "relay"     // a relay answers that it does not lead there
	ObstacleOther    ObstacleKind = "other"     // the sentence has libp2p's words
)

// short is the kind in a list of several.
func (k ObstacleKind) short() string {
	switch k {
	case ObstacleName:
		return "a name not found"
	case ObstacleNoWay:
		return "no way from here"
	case ObstacleLocal:
		return "forbidden on this machine"
	case ObstacleRefused:
		return "refused"
	case ObstacleSilent:
		return "silent"
	case ObstacleStranger:
		return "answered by another program"
	case ObstacleKey:
		return "answered by another peer"
	case ObstacleRelay:
		return "not known to the relay"
	}
	return "failed"
}

// obstacles says what kept a dial of addrs, which failed with err, from getting through: an Obstacle for
// each name of addrs that was not found and each address that libp2p tried. Where libp2p gave up
// before any address had failed, all of addrs were silent.
func (r *nameResolver) obstacles(addrs []ma.Multiaddr, err error) []Obstacle {
	var list []Obstacle
	missing := map[string]error{}
	for _, a := range addrs {
		name := dnsName(a)
		why := r.missing(name)
		if _, told := missing[name]; why != nil && !told {
			list = append(list, obstacleAt("the name "+name, a, why))
		}
		missing[name] = why
	}
	var d *swarm.DialError
	switch {
	case errors.As(err, &d) && len(d.DialErrors) > 0:
		for _, e := range d.DialErrors {
			list = append(list, obstacleAt(r.place(e.Address), e.Address, e.Cause))
		}
	case timedOut(err):
		for _, a := range addrs {
			if missing[dnsName(a)] == nil {
				list = append(list, obstacleAt(addressText(a), a, context.DeadlineExceeded))
			}
		}
	case len(list) == 0:
		list = append(list, Obstacle{Kind: ObstacleOther, Text: oneLine(err)})
	}
	return list
}

// obstacleAt judges the failed dial of one address, which a person knows as place.
func obstacleAt(place string, a ma.Multiaddr, err error) Obstacle {
	_, noUDP := a.ValueForProtocol(ma.P_UDP)
	o := Obstacle{Address: a.String(), Place: place, Kind: kindOf(noUDP == nil, err)}
	switch o.Kind {
	case ObstacleName:
		o.Text = "could not be looked up: no name server answers; is this machine online?"
		if dns := new(net.DNSError); !errors.As(err, &dns) || dns.IsNotFound {
			o.Text = "is not known here: check its spelling, and the name server of this network"
		}
	case ObstacleNoWay:
		o.Text = "cannot be reached from this machine: no way leads there"
	case ObstacleLocal:
		o.Text = "may not be dialed: a rule of this machine, such as its firewall, forbids it"
	case ObstacleRefused:
		o.Text = "refuses: the machine is there, but nothing listens, or a firewall rejects it"
	case ObstacleSilent:
		o.Text = "does not answer: it is off, or a firewall is in between"
		if noUDP == nil {
			o.Text = "does not answer: it is off, or a firewall lets no UDP through"
		}
	case ObstacleStranger:
		what := lastWords(err)
		if timedOut(err) {
			what = "it took the connection and said nothing"
		}
		o.Text = "answers, but not as Souk does: another program listens there, or a proxy, a firewall or a login page of this network is in between (" + what + ")"
	case ObstacleKey:
		other := new(sec.ErrPeerIDMismatch)
		_ = errors.As(err, other)
		o.Text = fmt.Sprintf("answers with the key of another peer, %s: another hub or shop has this address now", other.Actual)
	case ObstacleRelay:
		o.Text = "does not lead there: " + relayText(err)
	default:
		o.Text = "failed: " + lastWords(err)
	}
	return o
}

// whyNot is what an address does that was dialed by itself and failed, for a person.
func whyNot(a ma.Multiaddr, err error) string { return obstacleAt("", a, err).Text }

func kindOf(udp bool, err error) ObstacleKind {
	var op *net.OpError
	connecting := errors.As(err, &op) && op.Op == "dial"
	switch {
	case errors.As(err, new(sec.ErrPeerIDMismatch)):
		return ObstacleKey
	case errors.As(err, new(*net.DNSError)), errors.Is(err, errNoRecord):
		return ObstacleName
	case relayText(err) != "":
		return ObstacleRelay
	case errors.Is(err, syscall.ECONNREFUSED):
		return ObstacleRefused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.ENETDOWN), lastWords(err) == syscall.ENETUNREACH.Error(): // QUIC's has lost its type
		return ObstacleNoWay
	case errors.Is(err, fs.ErrPermission):
		return ObstacleLocal
	case timedOut(err) && (udp || connecting || err == context.DeadlineExceeded):
		return ObstacleSilent
	case udp || connecting || ownReason(err):
		return ObstacleOther
	}
	return ObstacleStranger // the connection was made, and what came over it was not libp2p's
}

// ownReason reports a reason that libp2p has on this side for not dialing.
func ownReason(err error) bool {
	for _, own := range []error{
		swarm.ErrDialBackoff, swarm.ErrDialRefusedBlackHole, swarm.ErrGaterDisallowedConnection, swarm.ErrNoTransport, swarm.ErrDialToSelf, context.Canceled,
		errNoTransport, errNotPublic,
	} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// relayText is what a relay answered, in words; "" where err is no relay's answer. libp2p has a type of
// its own for such errors and exports none, so its words are read.
func relayText(err error) string {
	text := err.Error()
	if !strings.Contains(text, "relay circuit") {
		return ""
	}
	for status, words := range map[pbv2.Status]string{
		pbv2.Status_NO_RESERVATION:          "the shop has no reservation there: it is off, cut off, or reserves elsewhere",
		pbv2.Status_CONNECTION_FAILED:       "the relay does not get through to the shop",
		pbv2.Status_RESOURCE_LIMIT_EXCEEDED: "the relay carries as much as it may",
		pbv2.Status_PERMISSION_DENIED:       "the relay does not let the two meet now: it has carried as much as its owner lends in a day, or one of the two is no member to its knowledge",
	} {
		if strings.Contains(text, status.String()) {
			return words
		}
	}
	return "the relay answers " + lastWords(err)
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// lastWords are the end of a chain of errors, which says what happened.
func lastWords(err error) string {
	text := oneLine(err)
	return strings.TrimSpace(text[strings.LastIndex(text, ": ")+1:])
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// sentences joins what obstacles say.
func sentences(list []Obstacle) string {
	texts := make([]string, len(list))
	for i, o := range list {
		texts[i] = o.String()
	}
	return strings.Join(texts, "; ")
}

// counted says how many obstacles are of each kind, such as "1 refused, 2 silent"; "" where all are
// silent, which is what no answer means.
func counted(list []Obstacle) string {
	var kinds []ObstacleKind
	count := map[ObstacleKind]int{}
	for _, o := range list {
		if count[o.Kind]++; count[o.Kind] == 1 {
			kinds = append(kinds, o.Kind)
		}
	}
	if len(kinds) == 1 && kinds[0] == ObstacleSilent {
		return ""
	}
	var parts []string
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s", count[k], k.short()))
	}
	return strings.Join(parts, ", ")
}
