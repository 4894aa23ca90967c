//go:build !linux

package testnet

import (
	"testing"

	"github.com/souk-market/souk/testnet/leftout"
)

func TestFault01PowerCut(t *testing.T) {
	leftout.Test(t, "SOUK_DISKS", "Linux, to cut the power of a disk")
}

func TestFault03(t *testing.T) { leftout.Test(t, "SOUK_DISKS", "Linux, to make a disk") }
