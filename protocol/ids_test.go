package protocol_test

import (
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol"
)

// Names on the wire: a change is another protocol.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		protocol.Hello: "hello", protocol.Trade: "trade", protocol.Catalog: "catalog",
		protocol.Log: "log", protocol.Leave: "leave", protocol.Join: "join",
		protocol.TopicMembers:  "topic/members/1",
		protocol.TopicProfiles: "topic/profiles/1",
		protocol.FeedTopic(shopID("acorn"), exchange.MainFeed): "topic/feed/" + shopID("acorn").String() + "/main/1",
	} {
		t.Run(want, func(t *testing.T) {
			if got != want {
				t.Errorf("%s, not %s", got, want)
			}
		})
	}
}
