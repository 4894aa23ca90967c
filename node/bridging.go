package node

import (
	"fmt"

	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api"
)

// bridgeProblems tell of the shop's own system, where that keeps the stock.
func bridgeProblems(s trade.BridgeStatus) (list []api.Problem) {
	add := func(blocks bool, format string, args ...any) {
		list = append(list, api.Problem{Name: "bridge", Blocks: blocks, Detail: fmt.Sprintf(format, args...)})
	}
	switch {
	case s.Setup:
		add(true, "the bridge to your own system is set up wrongly, so nothing of yours can be reserved: %s. Mend that, or [bridge] in shop.toml; it is tried again by itself", s.LastError)
	case s.Down:
		add(true, "your own system does not answer since %v, so nothing of yours can be reserved: %s. It is tried again by itself", s.Since, s.LastError)
	}
	if s.Untold >= trade.MaxUntold {
		add(true, "%d commits and releases wait for your own system, the oldest of %v: nothing new is reserved until it takes them", s.Untold, s.Oldest)
	} else if s.Untold > 0 && !s.Down && s.Calls.Failed > 0 {
		add(false, "%d commits and releases wait for your own system, the oldest of %v; they are sent until it answers", s.Untold, s.Oldest)
	}
	if s.Denied > 0 {
		add(false, "your own system did not have the goods of %d orders that it had set aside; those that partners placed were rejected. See souk events, and find out who took them", s.Denied)
	}
	if s.Lost > 0 {
		add(false, "your own system has lost %d holds, and did not set their goods aside again: their orders may be rejected", s.Lost)
	}
	if s.Unknown > 0 {
		add(false, "your own system has %d orders that this shop does not know; see there what they are", s.Unknown)
	}
	return list
}
