package p2p

import (
	"crypto/ed25519"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

type everybody struct{ Directory }

// TestRelayDay: the bytes of a day bound its circuits, and the next day begins anew.
func TestRelayDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		cfg := Config{Key: key, Federation: "test", Members: everybody{}, RelayBytes: 1000}
		set, err := cfg.check()
		if err != nil {
			t.Fatal(err)
		}
		s := &relayService{base: &base{cfg: set, log: slog.New(slog.DiscardHandler)}, changed: func() {}}
		tracer := s.tracer()
		step := func(what string, want bool) {
			t.Helper()
			s.mu.Lock()
			defer s.mu.Unlock()
			if got := s.hasRoom(); got != want {
				t.Errorf("%s: room %v, want %v (%+v)", what, got, want, s.use)
			}
		}
		step("at first", true)
		tracer.BytesTransferred(999)
		step("a byte is left", true)
		tracer.BytesTransferred(1)
		step("all are used", false)
		time.Sleep(24*time.Hour - time.Second)
		step("a second before the day is over", false)
		time.Sleep(time.Second)
		step("the next day", true)
		for range memberCircuits {
			tracer.ConnectionOpened()
		}
		step("as many circuits as a member bears", false)
		tracer.ConnectionClosed(time.Second)
		step("one less", true)
		tracer.ReservationAllowed(false)
		tracer.ReservationAllowed(true)
		if use := s.relaying(); use.Reservations != 1 || use.Circuits != memberCircuits-1 || use.Bytes != 0 || use.MaxBytes != 1000 || use.Serving {
			t.Errorf("%+v", use)
		}
	})
}

// TestRelayBehindProxy: a hub behind a web server sees one address, and has room for its whole federation.
func TestRelayBehindProxy(t *testing.T) {
	s := &relayService{base: &base{cfg: settings{Config: Config{Hub: true, Shared: &SharedPort{}}}}}
	if r := s.resources(); r.MaxReservationsPerIP < r.MaxReservations {
		t.Errorf("%+v", r)
	}
}
