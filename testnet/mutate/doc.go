// Command mutate tests the tests: it changes one expression or statement of a checked
// file, runs the tests of its package, and expects them to fail. A mutant is one such
// change; it is killed where they fail and survives where they pass.
//
//	go run ./testnet/mutate                      every mutant of every target
//	go run ./testnet/mutate exchange/hold        every mutant of these targets
//	go run ./testnet/mutate -sample 40 -seed 7   forty of them, chosen by the seed
//	go run ./testnet/mutate -within 45m          what fits the time, in the seed's order
//
// Targets are in targets.go: packages where each check protects stock or money.
// accepted.txt lists the survivors that are known, each with the reason why no test
// kills it. The command fails for any other survivor, and for an entry of accepted.txt
// that names no mutant any more.
//
// A mutant never touches the work tree: the changed file goes to a temporary folder and
// the go command reads it through -overlay. Mutants are made to matter for checks:
// a condition or one operand of it is decided beforehand, a bound moves by one, an
// error is swallowed, a statement is left out (find.go).
//
// Why not gremlins, the one Go mutation tester that is kept up: it tries only what lies
// in a block of the coverage profile, and conditions of cases lie in none, so it passes over every
// check that is written as `switch { case …: return err }`. It does not change a
// condition that is a call, removes no statement, and has no list of accepted survivors.
package main
