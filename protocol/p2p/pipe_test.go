package p2p

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// TestRetiredPipe: a stream that has retired takes no request, which would else fail with it, its outcome
// unknown.
func TestRetiredPipe(t *testing.T) {
	p := &pipe{
		ses: &session{}, conn: &connState{}, last: 1, calls: map[uint64]chan result{1: make(chan result, 1)},
		results: &sync.Pool{New: func() any { return make(chan result, 1) }},
	}
	p.retire()
	if p.serves() {
		t.Error("it serves")
	}
	if _, err := p.ask(context.Background(), nil); !IsUnsent(err) || !errors.Is(err, errRetired) {
		t.Errorf("%v", err)
	}
}
