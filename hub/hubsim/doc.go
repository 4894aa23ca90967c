// Package hubsim runs a real hub and members without trade (network and member list only) on
// package p2psim's network. It is for tests of how the list spreads. Everything in it must be used
// inside one testing/synctest bubble.
package hubsim
