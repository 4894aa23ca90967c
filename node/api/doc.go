// Package api is a shop's local HTTP API: what the owner's own system, the CLI
// and the console talk to. It listens on the loopback, asks for the bearer token
// in the shop's folder, and answers JSON; errors are problem+json (RFC 9457).
//
// The desk (exchange/desk) is the use cases; what else the API needs of a shop it
// declares in ports.go, and package node implements it.
package api
