//go:build unix && !linux

package testnet

import "syscall"

// childAttributes put a child into a group of its own, so that Ctrl-C reaches the
// testnet alone, which stops its processes in order. Only Linux can also stop a child
// whose parent is killed; here souk testnet down stops what a killed testnet left.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
