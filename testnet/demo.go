package testnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/node/api/view"
)

// stepTime bounds each step of the demo. None takes more than a few seconds; the
// bound is for machines that do much else.
const stepTime = time.Minute

// step is one step of the demo. It tells what it did.
type step struct {
	name string // stable: programs read it
	do   func(ctx context.Context, name string) error
}

// demo starts everything and goes through what Souk does, step by step. Its error
// names the step; the end of the log of the process concerned has been written to out.
func (n *testnet) demo(ctx context.Context) error {
	n.tell.note("A hub and %d shops, each a process of its own, in %s:", len(n.shops), n.dir)
	trade := &demoTrade{n: n, supplier: n.shops[0], retailer: n.shops[1], rival: n.shops[len(n.shops)-1]}
	if len(n.shops) > 2 {
		trade.rival = n.shops[2]
	}
	for _, s := range []step{
		{"hub up", n.startHub},
		{"joined", n.startShops},
		{"partnered", n.partner},
		{"catalog seen", n.importCatalogs},
		{"held", trade.hold},
		{"refused", trade.refuse},
		{"accepted", trade.order},
		{"shipped", trade.ship},
		{"delivered", trade.deliver},
		{"own sale", trade.sellHere},
		{"basket", trade.basket},
		{"withdrawn", trade.withdraw},
		{"ledgers equal", trade.compare},
		{"hub stopped", n.killHub},
		{"traded on", trade.orderWithoutHub},
		{"in reach", trade.reachWithoutHub},
		{"hub back", n.restartHub},
	} {
		if err := n.carryOut(ctx, s); err != nil {
			return err
		}
	}
	n.tell.note("Done: every step passed in %.1f s.", time.Since(n.tell.start).Seconds())
	return nil
}

func (n *testnet) carryOut(ctx context.Context, s step) error {
	stepCtx, cancel := context.WithTimeoutCause(ctx, stepTime, fmt.Errorf("it was not done within %v", stepTime))
	defer cancel()
	err := s.do(stepCtx, s.name)
	if err == nil || ctx.Err() != nil { // Ctrl-C is no failure of the step
		return err
	}
	n.tell.step(s.name, "FAILED: %v", err)
	var t *trouble
	if errors.As(err, &t) {
		n.tell.tail(t.p)
	}
	return exchange.Errorf(exchange.CodeOf(err), "the step %q failed: %w", s.name, err)
}

func (n *testnet) startHub(ctx context.Context, name string) error {
	made, err := n.hub.prepare()
	if err != nil {
		return err
	}
	if err := n.runHub(ctx); err != nil {
		return err
	}
	n.tell.step(name, "federation %s, status page %s", made.Federation.Label(), n.hub.status)
	return nil
}

// runHub starts the hub and waits until it is well.
func (n *testnet) runHub(ctx context.Context) error {
	if err := n.started(&n.hub.process); err != nil {
		return err
	}
	if err := n.hub.ready(ctx); err != nil {
		return err
	}
	r, err := hub.Status(ctx, n.hub.dir)
	n.hub.status = r.StatusURL
	return errors.Join(err, n.state().write(n.dir))
}

// startShops makes and starts all shops at once, each with an invite of its own,
// and waits until every one knows all members.
func (n *testnet) startShops(ctx context.Context, name string) error {
	free := ports{}
	for _, s := range n.shops {
		invite, err := hub.Invite(ctx, n.hub.dir, hub.InviteOptions{Shop: s.plan.name})
		if err != nil {
			return about(&n.hub.process, err)
		}
		if err := s.prepare(invite.Code, free); err != nil {
			return about(&s.process, err)
		}
		if err := n.started(&s.process); err != nil {
			return about(&s.process, err)
		}
	}
	for _, s := range n.shops {
		if err := s.ready(ctx); err != nil {
			return err
		}
		n.tell.step(name, "%s, which sells %s, as %s", s.name, s.plan.sells, s.id)
	}
	for _, s := range n.shops {
		if err := s.knows(ctx, n.shops); err != nil {
			return err
		}
	}
	return nil
}

// partner makes shops partners, each selling to the other: those of the first
// three with one another, and every further one with the first.
func (n *testnet) partner(ctx context.Context, name string) error {
	for i, a := range n.shops {
		for j, b := range n.shops[:i] {
			if j > 0 && i > 2 {
				break
			}
			for _, side := range [][2]*shopProcess{{b, a}, {a, b}} {
				if err := side[0].sellTo(ctx, side[1], view.ProposedTerms{DiscountBP: uint32(demoDiscount)}); err != nil {
					return err
				}
			}
			b.partners, a.partners = append(b.partners, a), append(a.partners, b)
			n.tell.step(name, "%s and %s sell to each other at %d%% off, signed by both", b.name, a.name, demoDiscount/100)
		}
	}
	return nil
}

// demoDiscount is what partners get off the list price.
const demoDiscount exchange.BasisPoints = 10_00

// importCatalogs has each shop import rates and products, and its partners see them.
func (n *testnet) importCatalogs(ctx context.Context, name string) error {
	for _, s := range n.shops {
		seen, products, err := s.importAndShow(ctx)
		if err != nil {
			return err
		}
		n.tell.step(name, "%s imported %d products, seen by %s", s.name, products, seenBy(s.partners, seen))
	}
	return nil
}

// seenBy says who saw a catalog and when; of many partners, the last.
func seenBy(partners []*shopProcess, after []time.Duration) string {
	const few = 3
	if len(partners) > few {
		return fmt.Sprintf("its %d partners, the last after %.2f s", len(partners), slices.Max(after).Seconds())
	}
	var by []string
	for i, p := range partners {
		by = append(by, fmt.Sprintf("%s after %.2f s", p.name, after[i].Seconds()))
	}
	return strings.Join(by, ", ")
}

func (n *testnet) killHub(_ context.Context, name string) error {
	pid := n.hub.pid()
	if err := n.hub.kill(); err != nil {
		return err
	}
	n.tell.step(name, "process %d was killed (kill -9)", pid)
	return nil
}

func (n *testnet) restartHub(ctx context.Context, name string) error {
	if err := n.runHub(ctx); err != nil {
		return err
	}
	var r hub.Report
	err := until(ctx, &n.hub.process, func(ctx context.Context) (bool, error) {
		var err error
		r, err = hub.Status(ctx, n.hub.dir)
		return r.Connected == len(n.shops), err
	})
	if err != nil {
		return about(&n.hub.process, fmt.Errorf("%d of %d shops are connected: %w", r.Connected, len(n.shops), err))
	}
	n.tell.step(name, "healthy, with the same %d members, %d of them connected", r.Active, r.Connected)
	return nil
}
