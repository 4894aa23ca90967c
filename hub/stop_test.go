package hub_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/souk-market/souk/hub"
)

// TestStopIsLogged: the log tells why the hub stops, and that it has.
func TestStopIsLogged(t *testing.T) {
	dir, _ := initHub(t)
	var log bytes.Buffer // read after Run
	h, err := hub.Open(dir, hub.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	<-h.Ready()
	cancel(errors.New("terminated signal received"))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`msg="stopping`, `why="terminated signal received"`, "msg=stopped\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}
