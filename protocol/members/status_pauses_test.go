package members

import (
	"testing"
	"time"
)

// TestStatusSpread: of shops that lose their hub in the same second, no more ask in one second than a
// hub answers.
func TestStatusSpread(t *testing.T) {
	const shops, perSecond = 300, 20 // 5 a second are expected; 10 are answered, and more have a burst
	due := map[time.Duration]int{}
	for range shops {
		var p statusPauses
		d := p.start(statusLost, statusSpread)
		if d < statusLost || d >= statusLost+statusSpread {
			t.Fatalf("the first question comes after %v", d)
		}
		due[d/time.Second]++
	}
	for second, n := range due {
		if n > perSecond {
			t.Errorf("%d of %d shops ask in second %d", n, shops, second)
		}
	}
}

// TestStatusTraffic: questions to a dead hub cost a shop less than 2 MB a day; p2p sends the rest of
// what an idle shop may send. A shop asks within ten minutes when the hub is back.
func TestStatusTraffic(t *testing.T) {
	const attempt, most = 8_000, 2_000_000 // bytes
	var p statusPauses
	asked := 0
	for d := p.start(statusLost, statusSpread); d < 24*time.Hour; asked++ {
		pause := p.next()
		if pause > 10*time.Minute {
			t.Fatalf("a pause of %v", pause)
		}
		d += pause
	}
	if asked*attempt > most {
		t.Errorf("%d questions a day are %d bytes", asked, asked*attempt)
	}
}
