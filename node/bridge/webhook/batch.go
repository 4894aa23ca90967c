package webhook

import (
	"errors"
	"fmt"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

const (
	// frame is what a body has around its elements, at most, in bytes.
	frame = 32
	// answerFrame and shortFrame are an answer and a short line without their SKUs, at most; a SKU
	// takes up to escaped times its bytes, where each is written as \u003c.
	answerFrame = 128
	shortFrame  = 80
	escaped     = 6
)

// answerSize bounds the answer to an element with these lines, in bytes.
func answerSize(lines []bridge.Line) int {
	n := answerFrame
	for _, l := range lines {
		n += shortFrame + escaped*len(l.SKU)
	}
	return n
}

// checkBatch reports a list that no call may have.
func checkBatch(ids []exchange.HoldID) error {
	if len(ids) > bridge.MaxBatch {
		return fmt.Errorf("%d elements; a call has at most %d", len(ids), bridge.MaxBatch)
	}
	return differ(ids)
}

// batches cuts a list so that the body of each piece, and the longest answer to it, keep within
// MaxBody.
func batches[B, W any](list []B, wire func(B) W, lines func(B) []bridge.Line) ([][]B, error) {
	var out [][]B
	from, body, answers := 0, frame, frame
	for i, b := range list {
		e, err := encode(wire(b))
		if err != nil {
			return nil, err
		}
		size, answer := len(e)+1, answerSize(lines(b))+1
		if frame+size > MaxBody || frame+answer > MaxBody {
			return nil, errors.New("an element is too long for a call")
		}
		if i > from && (body+size > MaxBody || answers+answer > MaxBody) {
			out = append(out, list[from:i])
			from, body, answers = i, frame, frame
		}
		body += size
		answers += answer
	}
	return append(out, list[from:]), nil
}
