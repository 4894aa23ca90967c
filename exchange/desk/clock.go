package desk

import (
	"time"

	"github.com/souk-market/souk/exchange/record"
)

// The writer's time never runs backwards. One commit made while the clock was years
// ahead therefore stops it for years, and with it everything that ends by itself;
// nothing else shows that, so it is said aloud.

// MaxClockBehind is how far the clock may be behind the last commit before somebody
// should look: beyond what time servers correct in steps on a healthy machine.
const MaxClockBehind = 2 * time.Minute

// ClockBehind is how far this machine's clock is behind the newest commit; 0 where
// it is not. Until the clock has caught up, holds and submitted orders do not expire.
func (d *Desk) ClockBehind() time.Duration {
	v, err := d.read(record.KindMeta, record.KeyMeta)
	if err != nil || v == nil {
		return 0
	}
	return max(v.(*record.Meta).Written.Sub(d.clock.Now()), 0)
}

// alarmClock logs a clock that is behind.
func (d *Desk) alarmClock() {
	if behind := d.ClockBehind(); behind > MaxClockBehind {
		d.log.Error("the clock is behind the newest record of this shop: it was wrong then or is wrong now; no hold or order expires until it has caught up",
			"behind", behind.Truncate(time.Second))
	}
}
