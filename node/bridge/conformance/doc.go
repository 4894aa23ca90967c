// Package conformance tries whether a shop's own system keeps the rules of bridge.Bridge: a list of
// named cases, each of which returns what it found wrong. Package bridgetest runs them as a Go test,
// the command `souk bridge test` over HTTP or SQL.
//
//	conformance.go  the system under trial, the cases' list, Try
//	trial.go        what a case does with the system
//	holds.go        cases of holds and their answers
//	orders.go       cases of commits and of parts given back
//	together.go     cases of many calls at once, killed calls, lost and repeated ones
//	reading.go      cases of changes and open asks
//	forged.go       cases of the HTTP form: who signed; http.go sends what nobody signed
//
// A case works with a few units of two products, takes nothing that it does not give back, and
// leaves nothing but the marks of ended IDs. Where it cannot set the stock, it takes what is too
// much aside meanwhile, so nobody else may sell these products while it runs.
package conformance
