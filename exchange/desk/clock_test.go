package desk_test

import (
	"testing"
	"time"
)

// TestClockBehindIsTold: a commit of a wrong year stops the writer's time; the shop
// says by how much, until the clock has caught up.
func TestClockBehindIsTold(t *testing.T) {
	_, acorn, _ := pair(t)
	if behind := acorn.desk.ClockBehind(); behind != 0 {
		t.Errorf("the clock is %v behind at the start", behind)
	}
	const years = 10 * 365 * 24 * time.Hour
	acorn.skew = years
	acorn.stock("sock", 1, 500)
	acorn.skew = 0
	for range 2 {
		if behind := acorn.desk.ClockBehind(); behind != years {
			t.Errorf("the clock is %v behind, want %v", behind, years)
		}
		acorn.restart()
	}
	acorn.skew = years + time.Second
	if behind := acorn.desk.ClockBehind(); behind != 0 {
		t.Errorf("the clock has caught up and is %v behind", behind)
	}
}
