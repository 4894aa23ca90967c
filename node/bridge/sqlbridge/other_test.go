//go:build !unix

package sqlbridge

import (
	"testing"

	"github.com/souk-market/souk/testnet/leftout"
)

func TestConformance(t *testing.T) {
	leftout.Test(t, "SOUK_POSTGRES", "Unix, to start a PostgreSQL as another user")
}
