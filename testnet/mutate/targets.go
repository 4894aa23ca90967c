package main

// target is a package whose mutants are tried, by its own tests alone.
type target struct {
	dir   string
	files []string // of dir; nil is every file that is not a test
	flags []string // more arguments of go test
	quick bool     // part of a sample: its tests take a second or less
}

// oneSeed has property tests draw the same each time, so that a mutant has one fate.
var oneSeed = []string{"-rapid.seed=1"}

var targets = []target{
	{dir: "exchange/hold", flags: oneSeed, quick: true},
	{dir: "exchange/order", flags: oneSeed, quick: true},
	{dir: "exchange/ledger", flags: oneSeed, quick: true},
	{dir: "exchange/partnership", flags: oneSeed, quick: true},
	{dir: "exchange/shelf", files: []string{"standing.go"}, flags: oneSeed},
	{dir: "protocol", files: []string{"check.go", "check_feed.go", "check_record.go"}},
	{dir: "exchange/membership"},
	{dir: "exchange/writer", flags: oneSeed},
	// What the simulation kills it kills by chance, and the large stores take seconds.
	{dir: "exchange/trade", files: []string{"quote_check.go", "quota.go", "adopt.go"},
		flags: []string{"-skip", "^(TestSimulation|TestLarge.*|Test.*LargerThanATransaction|TestFullOutboxTakesAnEnd|TestStoppedShopRests)$"}},
}
