// Command souk is the one binary of Souk: it runs a hub, runs a shop's node, and is
// the owner's tool for both.
//
// # Which process does what
//
// "souk hub run" and "souk node run" are the two long-lived processes. The hub
// commands (invite, members, revoke, void, status) work on the hub's folder, whether a
// hub runs on it or not. All other commands are clients of a running node: they find it
// through the shop's folder, where it keeps its API's address and token (package
// node/api/client). Only init, join, doctor and audit touch a shop's folder themselves, and
// audit only reads it.
//
// # Conventions
//
// Every command takes --dir, the state folder (default: $SOUK_DIR, else the current
// folder if it holds a shop or hub), and --json, which prints the result as one
// JSON value instead of text. Results go to standard output, everything else to
// standard error. Exit codes are in exit.go and in "souk --help".
//
// What other shops wrote (names, titles, reasons) is shown as text and nothing
// else: output.go replaces what a terminal would obey.
//
// # Files
//
//	main.go      signals and exit
//	root.go      the tree of commands, --dir and --json
//	exit.go      exit codes
//	output.go    tables, JSON, times and amounts
//	progress.go  progress of long work, on a terminal and in a log
//	names.go     short forms of shops, products and orders
//	and one file or two for each group of commands, named after it
package main
