package p2p

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/wake"
)

// proofs has this node's addresses tried from outside, and lends the line where they are reached.
type proofs struct {
	*base
	sessions  *sessions
	addresses *addresses
	requests  *requests
	service   *relayService
	look      wake.Signal // set: look whether there is something to try
	changed   func()      // called when what is told may have changed; fixed by New

	misses int              // owned by run: probes in a row that reached nothing
	last   []ma.Multiaddr   // owned by run: what was tried last
	by     uint64           // owned by run: the session by which it was tried
	pauses backoff.Doubling // owned by run: while nobody answers
}

// run tries the addresses whenever they or the hub's session change, every ProbeEvery, and sooner where
// whoever was asked did not answer: a hub that was started dials 16 shops at a time.
func (pf *proofs) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := true
	for {
		select {
		case <-pf.look.C():
		case <-timer.C:
			due = true
		case <-pf.ctx.Done():
			return
		}
		candidates := pf.addresses.candidates()
		pf.addresses.keepProofs(candidates)
		if len(candidates) == 0 {
			pf.serve(false) // nobody can reach what is not there
			continue
		}
		ses := pf.prover()
		if ses == nil {
			if pf.addresses.wasReached() { // by an earlier run's proof
				pf.serve(true)
			}
			continue
		}
		if !due && (pf.by == ses.id || !pf.gate.hubs[ses.peer]) && slices.EqualFunc(pf.last, candidates, ma.Multiaddr.Equal) {
			continue
		}
		pf.last, pf.by = candidates, ses.id
		due = false
		pause := ProbeEvery
		if pf.try(ses, candidates) {
			pf.pauses.Reset()
		} else {
			pause = pf.pauses.Next()
		}
		timer.Reset(jittered(pause))
	}
}

// prover is a session with whom to ask for a probe: a hub, or any of the members that relay, which are
// reached from outside themselves. Each time it is another member, so that one that lies is heard once.
func (pf *proofs) prover() *session {
	var members []*session
	for _, ses := range pf.sessions.greeted() {
		c, _ := pf.sessions.bestOf(ses)
		if c == nil || !isDirect(c) || !manet.IsPublicAddr(c.RemoteMultiaddr()) {
			continue
		}
		if pf.gate.hubs[ses.peer] {
			return ses
		}
		if pf.sessions.relays(ses) {
			members = append(members, ses)
		}
	}
	if len(members) == 0 {
		return nil
	}
	return members[rand.IntN(len(members))]
}

func (pf *proofs) try(ses *session, candidates []ma.Multiaddr) (answered bool) {
	ctx, cancel := context.WithTimeout(ses.ctx, probeAsk)
	defer cancel()
	b, err := pf.requests.ask(ctx, ses.shop, reachName, appendProbe(nil, candidates))
	if err != nil {
		pf.log.Debug("own addresses were not tried", "by", ses.shop, "err", err)
		return false
	}
	results, err := parseProbeReply(b)
	if err != nil || len(results) != len(candidates) {
		pf.log.Debug("an answer about own addresses is malformed", "by", ses.shop)
		return false
	}
	changed, reached := false, false
	now := time.Now()
	for i, r := range results {
		p := AddressProof{Address: candidates[i].String(), Reached: r.reached, Why: r.why, By: ses.shop, At: now}
		changed = pf.addresses.prove(p) || changed
		reached = reached || r.reached
	}
	if pf.misses++; reached {
		pf.misses = 0
	}
	if reached || pf.misses > 1 { // one miss may be the prober's
		pf.serve(reached)
	}
	if changed {
		pf.log.Info("own addresses were tried from outside", "by", ses.shop, "reached", reached)
		pf.addresses.keepProven()
		pf.changed()
	}
	return true
}

// serve begins or ends to relay for members. A hub always does.
func (pf *proofs) serve(on bool) {
	if pf.cfg.Hub {
		return
	}
	if err := pf.service.set(on); err != nil {
		pf.log.Error("relaying for members", "err", err)
	}
}
