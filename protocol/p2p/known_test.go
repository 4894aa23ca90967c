package p2p

import (
	"strings"
	"testing"
)

func TestHowFarAndPort(t *testing.T) {
	for addr, want := range map[string]struct {
		carries         Carries
		port, transport string
		relay           bool
	}{
		wan4:                            {CarriesEverywhere, "7351", "TCP", false},
		wanUDP:                          {CarriesEverywhere, "7351", "UDP", false},
		wan6:                            {CarriesEverywhere, "7351", "TCP", false},
		named:                           {CarriesEverywhere, "7351", "TCP", false},
		lan4:                            {CarriesNetwork, "7351", "TCP", false},
		lan6:                            {CarriesNetwork, "7351", "TCP", false},
		carrier:                         {CarriesNetwork, "7351", "TCP", false},
		loop4:                           {CarriesMachine, "7351", "TCP", false},
		loop6:                           {CarriesMachine, "7351", "TCP", false},
		hubWay:                          {CarriesEverywhere, "7402", "TCP", true},
		hubNameWay:                      {CarriesEverywhere, "7402", "TCP", true},
		lanHubWay:                       {CarriesNetwork, "7402", "TCP", true},
		loopHubWay:                      {CarriesMachine, "7402", "TCP", true},
		"nonsense":                      {CarriesMachine, "", "", false},
		"":                              {CarriesMachine, "", "", false},
		"/ip4/0.0.0.0/udp/7351/quic-v1": {CarriesNetwork, "7351", "UDP", false},
	} {
		t.Run(strings.ReplaceAll(addr, "/", "|"), func(t *testing.T) {
			port, transport := Port(addr)
			if got := HowFar(addr); got != want.carries || port != want.port || transport != want.transport {
				t.Errorf("carries %d, port %s %s; want %+v", got, port, transport, want)
			}
			if relay := RelayOf(addr); relay.IsZero() == want.relay {
				t.Errorf("the relay is %v", relay)
			}
		})
	}
}
