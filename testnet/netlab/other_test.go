//go:build !linux

package netlab

import (
	"testing"

	"github.com/souk-market/souk/testnet/leftout"
)

func TestReach(t *testing.T) { leftout.Test(t, "SOUK_NETWORKS", "Linux, to make network namespaces") }
