package p2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
)

// TestReachFlood: a member cannot have another check signatures, or make long answers, as often as it likes.
func TestReachFlood(t *testing.T) {
	inTown(t, 3, func(t *testing.T, w *town) {
		w.all()
		ask := func(kind byte, more ...byte) error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, err := w.nodes[1].Request(ctx, w.ids[0], "reach", append([]byte{kind}, more...))
			return err
		}
		if err := ask(4, 0); exchange.CodeOf(err) != exchange.CodeState {
			t.Errorf("told of relays that nobody asked for: %v", err)
		}
		for _, kind := range []byte{2, 3} {
			time.Sleep(time.Minute)
			answered := 0
			for range 1000 {
				if err := ask(kind); err == nil {
					answered++
				} else if exchange.CodeOf(err) != exchange.CodeLimit {
					t.Fatal(err)
				}
			}
			if answered > 200 || answered < 10 {
				t.Errorf("question %d was answered %d of 1000 times in a row", kind, answered)
			}
			time.Sleep(time.Minute)
			if err := ask(kind); err != nil {
				t.Errorf("question %d a minute later: %v", kind, err)
			}
		}
	})
}
