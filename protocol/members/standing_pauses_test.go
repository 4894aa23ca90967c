package members

import (
	"testing"
	"time"
)

// TestStandingSpread: of shops that lose their hub in the same second, no more ask in one second than a
// hub answers.
func TestStandingSpread(t *testing.T) {
	const shops, perSecond = 300, 20 // 5 a second are expected; 10 are answered, and more have a burst
	due := map[time.Duration]int{}
	for range shops {
		var p standingPauses
		d := p.start(standingLost, standingSpread)
		if d < standingLost || d >= standingLost+standingSpread {
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

// TestStandingTraffic: a hub that is dead costs a shop less than 2 MB a day in questions, for the rest of
// what an idle shop may send is p2p's; and a shop asks a hub that came back within ten minutes.
func TestStandingTraffic(t *testing.T) {
	const attempt, most = 8_000, 2_000_000 // bytes
	var p standingPauses
	asked := 0
	for d := p.start(standingLost, standingSpread); d < 24*time.Hour; asked++ {
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
