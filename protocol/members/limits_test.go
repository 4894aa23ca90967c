package members_test

import (
	"testing"

	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// The limits on messages fit those of the network and of the disk, which know nothing of messages.
func TestLimitsFitTogether(t *testing.T) {
	for name, c := range map[string]struct{ inner, outer int }{
		"a hello":                       {protocol.MaxHello, p2p.MaxHello},
		"a hold":                        {protocol.MaxHold, p2p.MaxMessage},
		"a sealed answer":               {protocol.MaxSealedAnswer, p2p.MaxMessage},
		"a trade message, and its kind": {protocol.MaxTradeMessage + 1, p2p.MaxMessage},
		"a submit, and its kind":        {protocol.MaxSubmit + 1, p2p.MaxMessage},
		"a chunk of a feed":             {protocol.MaxFeedChunk, p2p.MaxMessage},
		"a pull of a feed":              {protocol.MaxFeedPull, p2p.MaxMessage},
		"four messages of gossip":       {4 * protocol.MaxGossip, p2p.MaxTopicMessage},
		"the newest entries, as gossip": {8 * membership.MaxEntry, protocol.MaxGossip / 2},
		"a profile in a hello":          {membership.MaxProfileBytes, protocol.MaxHelloProfile},
		"a record":                      {protocol.MaxRecord, store.MaxValueBytes},
	} {
		t.Run(name, func(t *testing.T) {
			if c.inner > c.outer {
				t.Errorf("%d bytes are more than %d", c.inner, c.outer)
			}
		})
	}
}
