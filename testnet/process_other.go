//go:build !unix

package testnet

import "syscall"

// childAttributes are none.
func childAttributes() *syscall.SysProcAttr { return nil }
