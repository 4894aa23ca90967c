package wake_test

import (
	"sync"
	"testing"

	"github.com/souk-market/souk/exchange/wake"
)

// TestSetsAreOne: Set does not wait for a receiver, and many Sets wake once.
func TestSetsAreOne(t *testing.T) {
	s := wake.New()
	if isSet(s) {
		t.Error("a new signal is set")
	}
	for range 3 {
		s.Set()
	}
	if !isSet(s) {
		t.Error("a signal that was set does not wake")
	}
	if isSet(s) {
		t.Error("it wakes twice")
	}
}

func TestZeroNeverWakes(t *testing.T) {
	var s wake.Signal
	s.Set()
	if isSet(s) {
		t.Error("a zero signal wakes")
	}
}

// TestNothingIsMissed: of work that is noted before Set, none is left behind.
func TestNothingIsMissed(t *testing.T) {
	const workers, each = 4, 1000
	s := wake.New()
	var mu sync.Mutex
	left := 0 // guarded by mu
	for range workers {
		go func() {
			for range each {
				mu.Lock()
				left++
				mu.Unlock()
				s.Set()
			}
		}()
	}
	for done := 0; done < workers*each; {
		<-s.C()
		mu.Lock()
		done, left = done+left, 0
		mu.Unlock()
	}
}

func isSet(s wake.Signal) bool {
	select {
	case <-s.C():
		return true
	default:
		return false
	}
}
