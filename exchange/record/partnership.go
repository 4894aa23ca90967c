package record

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/partnership"
)

// Partnership is one supplier's and one retailer's, with what this shop has begun about it.
type Partnership struct {
	State partnership.State
	// Ending is set at the retailer once its own EndTrade is queued: it binds at
	// once, before the supplier has answered. At either side it is also set by an
	// EndTrade that can enter no ledger (EndTrade says when).
	Ending bool
	// EndingAt is when that was, and EndingReason what was said with it; zero where Ending
	// is not set, and in records older than these fields.
	EndingAt     exchange.Time
	EndingReason string
	// Queued is the kind of the retailer's latest partnership request that is queued and
	// unanswered: "propose", "accept", "decline", "end" or ""; "withdraw" is a proposal
	// that is declined in the commit that brings its entry (WithdrawTerms).
	Queued string
	// QueuedNumber is that request's number; 0 in records older than this field, and then
	// the next answer to any partnership request is taken for its own.
	QueuedNumber uint64
	// EndNumber is the number of the retailer's last end that is queued, whatever is queued
	// behind it: Ending stands until that one has its entry. 0 where none is queued, and in
	// records older than this field.
	EndNumber uint64
	// WithdrawnTo is a request number of the retailer's: every proposal of its own up to it
	// is taken back, whether or not it has its entry. 0 where none was, and in records older
	// than this field.
	WithdrawnTo uint64
	// Withdrawn is the open proposal, where it is the retailer's own, is taken back, and its
	// decline is not entered yet; zero otherwise.
	Withdrawn ledger.Hash
	// Refusal is the supplier's answer to the last partnership request where it was no.
	Refusal exchange.Code
	Detail  string
}

// Status is where a partnership stands, in a word: "none", "queued" (a request of
// this shop's waits for the supplier), "proposed", "declined" (withdrawn or closed by an end, too), "active",
// "ending" (this shop has ended it, and that is in no entry yet) or "ended".
func (p *Partnership) Status() string {
	switch {
	case p.Ending:
		return "ending"
	case p.State.Active:
		return "active"
	case p.State.Open.By != 0:
		return "proposed"
	case p.Queued != "":
		return "queued"
	case p.State.Ended != 0:
		return "ended"
	case p.State.Declined.By != 0:
		return "declined"
	}
	return "none"
}

// Over reports whether nothing of a partnership can still come to pass: it has ended, or its
// proposals are closed, or there never was anything.
func (p *Partnership) Over() bool {
	switch p.Status() {
	case "active", "ending", "proposed", "queued":
		return false
	}
	return true
}

// End is who ended a partnership, when and why. By is 0 where nobody has.
type End struct {
	At     exchange.Time // 0 where a record of an older version does not say
	By     exchange.Party
	Reason string // a text for people, MaxReason bytes at most; empty where none was given
}

// LastEnd is the end that stands: this shop's own, which has the given side, from when it
// is made, another's from its entry on, and none while terms are in force again.
func (p *Partnership) LastEnd(side exchange.Party) End {
	if p.Ending {
		return End{p.EndingAt, side, p.EndingReason}
	}
	return End{p.State.Ended, p.State.EndedBy, p.State.EndReason}
}

// IsWithdrawn reports whether a proposal of this shop's, by its request's number, is taken
// back. Records older than WithdrawnTo tell it of the newest alone, and of those before.
func (p *Partnership) IsWithdrawn(number uint64) bool {
	return p.Queued == QueuedWithdraw || number <= p.WithdrawnTo
}

// Entered follows a request of this shop's own, by its number, that the supplier has
// entered, in p as the entry left it.
func (p *Partnership) Entered(number uint64, e partnership.Event) {
	if _, propose := e.(partnership.Propose); propose && p.IsWithdrawn(number) {
		p.Withdrawn = p.State.Open.Hash
	}
	if decline, ok := e.(partnership.Decline); !ok || decline.Hash != p.Withdrawn { // else its owner has to know what was refused before it
		p.Refusal, p.Detail = exchange.CodeOK, ""
	}
	p.Answered(number)
	if _, end := e.(partnership.End); end && number >= p.EndNumber && p.Queued != QueuedEnd {
		p.ForgetEnd()
	}
}

// ForgetEnd forgets an end that has its entry, where it is found from then on.
func (p *Partnership) ForgetEnd() {
	p.Ending, p.EndingAt, p.EndingReason, p.EndNumber = false, 0, "", 0
}

// NothingToEnd reports whether an end would find nothing to end: no terms in force, no proposal,
// and no request of this shop's on its way that may lead to either.
func (p *Partnership) NothingToEnd() bool {
	return p.Queued == QueuedEnd || p.Queued == "" && !p.State.Active && p.State.Open.By == 0
}

// Answered notes that a partnership request of this shop's, by its number, has its entry.
func (p *Partnership) Answered(number uint64) {
	if number >= p.QueuedNumber {
		p.Queued, p.QueuedNumber = "", 0
	}
}

// Kinds of a retailer's request, as Partnership.Queued names them.
const (
	QueuedPropose  = "propose"
	QueuedAccept   = "accept"
	QueuedDecline  = "decline"
	QueuedWithdraw = "withdraw"
	QueuedEnd      = "end"
)
