package protocol_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol"
)

// Names on the wire: a change is another protocol.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		protocol.ID("bazaar", protocol.Hello):                  "/souk/bazaar/hello/1",
		protocol.ID("bazaar", protocol.Trade):                  "/souk/bazaar/trade/1",
		protocol.ID("bazaar", protocol.Catalog):                "/souk/bazaar/catalog/1",
		protocol.ID("bazaar", protocol.Log):                    "/souk/bazaar/log/1",
		protocol.ID("bazaar", protocol.Leave):                  "/souk/bazaar/leave/1",
		protocol.ID("bazaar", protocol.Join):                   "/souk/bazaar/join/1",
		protocol.TopicMembers:                                  "topic/members/1",
		protocol.TopicProfiles:                                 "topic/profiles/1",
		protocol.FeedTopic(shopID("acorn"), exchange.MainFeed): "topic/feed/" + shopID("acorn").String() + "/main/1",
	} {
		t.Run(want, func(t *testing.T) {
			if got != want {
				t.Errorf("%s, not %s", got, want)
			}
		})
	}
}
