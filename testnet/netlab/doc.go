// Package netlab builds small internets out of Linux's network namespaces, for tests that
// need real routers: address translation that keeps ports and such that does not, carriers
// that translate a second time, firewalls, lossy lines, addresses that change.
//
// A [Lab] has an internet and, behind each [Router], LANs. A [Host] is attached to one of
// these wires and runs programs with the network that it has there:
//
//	lab := netlab.New(t)
//	home := lab.Router("home", lab.Internet(), netlab.Rules{NAT: netlab.HardNAT})
//	server := lab.Host("server", lab.Internet(), netlab.IPv4)
//	shop := lab.Host("shop", home.LAN(1), netlab.IPv4)
//	out, err := shop.Command(ctx, "ping", "-c1", server.Addr().String()).Output()
//
// Nothing leaves the machine: the internet of a lab ends at its last router. Public
// addresses are of 77.0.0.0/8 and 2a05:1::/32 although they are others' in the world,
// for libp2p takes the blocks reserved for tests as unroutable, and a shop would behave
// otherwise than it does.
//
// Labs need Linux, root, and the programs ip, nft and conntrack; where these are missing
// the test is left out (package leftout) or, with SOUK_NETWORKS=required, fails. Several
// labs may exist at once, also of several processes. A lab is removed when its test ends.
// What a killed process left is removed by the next one that makes a lab.
//
// The test of this package, TestReach, runs souk itself in such labs: whether shops trade
// behind all kinds of routers, and how soon. docs/reach.md has its table.
package netlab
