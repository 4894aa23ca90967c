package conformance

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/webhook"
)

// The headers that sign a message, by Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// Forger sends forged holds to the system of a client; secret is the client's.
func Forger(c *webhook.Client, secret webhook.Secret) func(context.Context, Forgery, bridge.Ask) (int, error) {
	return func(ctx context.Context, f Forgery, ask bridge.Ask) (int, error) {
		body, err := webhook.HoldBody(ask)
		if err != nil {
			return 0, err
		}
		header, err := forge(secret, f, body, time.Now())
		if err != nil {
			return 0, err
		}
		return c.PostHold(ctx, body, header)
	}
}

// forge is the headers of a message with this body.
func forge(secret webhook.Secret, f Forgery, body []byte, now time.Time) (http.Header, error) {
	signed := body
	switch f {
	case Unsigned:
		return http.Header{}, nil
	case WrongSecret:
		other, err := webhook.ParseSecret(webhook.NewSecret())
		if err != nil {
			return nil, err
		}
		secret = other
	case OtherBody:
		signed = []byte(strings.Replace(string(body), `"units":1`, `"units":2`, 1))
	case OldMessage:
		now = now.Add(-time.Hour)
	case FutureMessage:
		now = now.Add(time.Hour)
	}
	h, err := secret.Sign("msg_"+rand.Text(), now, signed)
	if err != nil {
		return nil, err
	}
	switch f {
	case OtherID:
		h.Set(headerID, "msg_"+rand.Text())
	case OtherTime:
		h.Set(headerTimestamp, strconv.FormatInt(now.Unix()+1, 10))
	case OtherScheme:
		h.Set(headerSignature, "v2"+strings.TrimPrefix(h.Get(headerSignature), "v1"))
	case EmptySignature:
		h.Set(headerSignature, "v1,")
	}
	return h, nil
}
