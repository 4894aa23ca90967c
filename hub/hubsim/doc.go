// Package hubsim runs a real hub and bare members (network, member list, nothing
// of trade) on package p2psim's network, for tests of how the list spreads. Everything
// in it must be used inside one testing/synctest bubble.
package hubsim
