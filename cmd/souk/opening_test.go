package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWait: a wait ends when what it waits for is there, when its time is over, and with
// Ctrl-C; it speaks after a second, once, to a person only.
func TestWait(t *testing.T) {
	for name, c := range map[string]struct {
		tell  bool
		look  func(waited time.Duration) time.Duration
		stop  time.Duration // Ctrl-C; 0 = none
		takes time.Duration
		says  string
	}{
		"there is nothing to wait for": {tell: true, look: func(time.Duration) time.Duration { return 0 }},
		"nobody starts it": {
			look:  func(time.Duration) time.Duration { return startTime },
			takes: startTime,
		},
		"nobody starts it, and a person looks on": {
			tell: true, look: func(time.Duration) time.Duration { return startTime },
			takes: startTime, says: "souk: waiting for the shop to open …\n",
		},
		"it opens": {
			tell: true, look: func(waited time.Duration) time.Duration {
				if waited < 5*time.Second {
					return openTime
				}
				return 0
			},
			takes: 5 * time.Second, says: "souk: waiting for the shop to open …\n",
		},
		"it opens at once": {
			tell: true, look: func(waited time.Duration) time.Duration {
				if waited < time.Second/2 {
					return openTime
				}
				return 0
			},
			takes: time.Second / 2,
		},
		"Ctrl-C": {look: func(time.Duration) time.Duration { return openTime }, stop: 3 * time.Second, takes: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.stop > 0 {
					time.AfterFunc(c.stop, cancel)
				}
				var said bytes.Buffer
				began := time.Now()
				w := &wait{what: "the shop", errs: &said, tell: c.tell}
				err := w.until(ctx, func() time.Duration { return c.look(time.Since(began)) })
				if took := time.Since(began); took != c.takes {
					t.Errorf("it took %v, want %v", took, c.takes)
				}
				if said.String() != c.says {
					t.Errorf("it said %q", said.String())
				}
				var stopped *interruption
				if c.stop > 0 && (!errors.As(err, &stopped) || !isCancel(err)) || c.stop == 0 && err != nil {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}

// TestCommandsRightAfterStart: what is typed behind the line that starts a hub or a shop
// finds it, though it is not open yet.
func TestCommandsRightAfterStart(t *testing.T) {
	tn := newTown(t)
	tn.ok("Next:", "hub", "init", "--dir", "hub", "--name", "riverside",
		"--listen", "127.0.0.1", "--open-port", "-1", "--closed-port", "-1", "--status", "127.0.0.1:0")
	tn.ok("RECOVERY", "node", "init", "--dir", "acorn", "--name", "Acorn", "--currency", "eur", "--api", "127.0.0.1:0",
		"--listen", "/ip4/127.0.0.1/tcp/0")
	background := func(args ...string) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, append(args, "--log-level", "error"), strings.NewReader(""), io.Discard, io.Discard)
		}()
		t.Cleanup(func() {
			cancel()
			if code := <-ended; code != exitOK {
				t.Errorf("souk %s: exit code %d", strings.Join(args, " "), code)
			}
		})
	}
	background("hub", "run", "--dir", "hub")
	tn.ok("running, version", "hub", "status", "--dir", "hub")
	invite := tn.invite()
	tn.ok("Joined", "node", "join", "--dir", "acorn", invite)
	background("node", "run", "--dir", "acorn")
	tn.ok("this shop", "members", "--dir", "acorn")
}
