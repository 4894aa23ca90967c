// Package bridgetest runs the conformance suite as a Go test, and has a small system in memory that
// passes it: for tests of what asks a bridge, with faults to switch on.
//
//	run.go     the suite as a test
//	system.go  the system; work.go its three calls; reading.go changes and open asks
//	faults.go  how it fails; broken.go the rules that tests of the suite break
//
// Only tests import it.
package bridgetest
