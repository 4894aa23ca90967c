// Package testnet runs whole federations on one machine: a hub and shops as
// separate processes with real keys, disks and sockets ([Up], the command souk
// testnet up), and, for tests and benchmarks, many shops in one process, over real
// sockets or in virtual time ([Federation]).
package testnet
