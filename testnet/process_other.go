//go:build !linux

package testnet

import "syscall"

// childAttributes are none: only Linux stops a child when its parent is killed. On
// other systems souk testnet down stops what a killed testnet left.
func childAttributes() *syscall.SysProcAttr { return nil }
