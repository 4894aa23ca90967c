package p2p

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// dialText is a failed dial in one line: each address and why it was not reached.
func dialText(err error) string {
	var d *swarm.DialError
	if !errors.As(err, &d) || len(d.DialErrors) == 0 {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	tried := make([]string, len(d.DialErrors))
	for i, e := range d.DialErrors {
		why := "no answer"
		if !errors.Is(e.Cause, context.DeadlineExceeded) && !errors.Is(e.Cause, os.ErrDeadlineExceeded) {
			text := e.Cause.Error()
			why = strings.Join(strings.Fields(text[strings.LastIndex(text, ": ")+1:]), " ")
		}
		tried[i] = e.Address.String() + ": " + why
	}
	return strings.Join(tried, "; ")
}
