package testnet

import "syscall"

// childAttributes put a child into a group of its own, so that Ctrl-C reaches the
// testnet alone, which stops its processes in order; and have the kernel stop the
// child should the testnet itself be killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
