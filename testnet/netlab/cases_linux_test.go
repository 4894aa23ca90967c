package netlab

import (
	"time"
)

// Goals of issue "Reached anywhere".
const (
	afterStart  = 2 * time.Second
	afterHub    = 5 * time.Second // died or came back
	afterChange = 3 * time.Second // of an address, of what a router knows, of who is awake
)

// reachCases are the rows of the table.
var reachCases = []reachCase{
	{"easy NAT to easy NAT", afterStart, natCase(EasyNAT, EasyNAT)},
	{"easy NAT to hard NAT", afterStart, natCase(EasyNAT, HardNAT)},
	{"hard NAT to hard NAT", afterStart, natCase(HardNAT, HardNAT)},
	{"CGNAT", afterStart, cgnat},
	{"CGNAT, same carrier", afterStart, cgnatSameCarrier},
	{"same LAN", afterStart, sameLAN},
	{"same router, other LAN", afterStart, otherLAN(false)},
	{"same router, LANs kept apart", afterStart, otherLAN(true)},
	{"port forward", afterStart, portForward(false)},
	{"port forward, announced", afterStart, portForward(true)},
	{"hub known by name only", afterStart, hubByName},

	{"TCP 443 only", afterStart, only443(false)},
	{"TCP 443 only, both shops", afterStart, only443(true)},
	{"TCP 443 only, hub on other ports", 0, only443HubElsewhere},
	{"captive portal", 0, captivePortal},
	{"UDP blocked", afterStart, udpBlocked},
	{"IPv6 only to IPv4 only", afterStart, ipv6ToIPv4},
	{"IPv6 only to IPv6 only", afterStart, ipv6ToIPv6},
	{"30% loss", 0, loss},
	{"MTU 1280, ICMP dropped", afterStart, narrow},

	{"router's address changes", afterChange, routerReaddressed(true)},
	{"router's address changes, hole punched before", afterChange, routerReaddressed(false)},
	{"router forgets its connections", afterChange, routerForgets},
	{"supplier moves to another network", afterChange, supplierMoves},
	{"retailer moves to another network", afterChange, retailerMoves},
	{"public shop's address changes", afterChange, publicShopReaddressed},
	{"direct way lost in one direction", afterChange, oneWay},
	{"sleep of 40 s", afterChange, sleep},

	{"hub dead", afterHub, hubDead},
	{"hub silent", afterHub, hubSilent},
	{"hub dead, restart, one public member", afterHub, hubDeadRestart(HardNAT)},
	{"hub dead, restart, easy NATs, one public member", afterHub, hubDeadRestart(EasyNAT)},
	{"hub dead, restart, one member with a port forward", afterHub, hubDeadRestartForwarded},
	{"hub dead, no public member", 0, noPublicMember},
	{"hub restarts", afterHub, hubRestarts},
	{"hub moves behind its name", afterHub, hubMoves},
}
