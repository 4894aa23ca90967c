package bridge

import (
	"errors"
	"fmt"

	"github.com/souk-market/souk/exchange"
)

// CheckAnswers reports answers that are not exactly one for each of ids, and an answer that says
// nothing sensible: such a call is as good as unanswered. It changes nothing.
func CheckAnswers(ids []exchange.HoldID, answers []Answer) error {
	due := make(map[exchange.HoldID]bool, len(ids))
	for _, id := range ids {
		due[id] = true
	}
	for _, a := range answers {
		open, asked := due[a.ID]
		switch {
		case !asked:
			return fmt.Errorf("an answer to %s, which was not asked", a.ID)
		case !open:
			return fmt.Errorf("two answers to %s", a.ID)
		}
		due[a.ID] = false
		if err := a.check(); err != nil {
			return fmt.Errorf("the answer to %s: %w", a.ID, err)
		}
	}
	for _, id := range ids {
		if due[id] {
			return fmt.Errorf("no answer to %s", id)
		}
	}
	return nil
}

func (a Answer) check() error {
	if a.OK && (a.Problem != "" || len(a.Short) > 0) {
		return errors.New("yes, with a problem")
	}
	switch a.Problem {
	case "", Missing, KeyReused, Busy:
	default: // a newer system's: no is no
		if len(a.Problem) > MaxText {
			return errors.New("the name of its problem is too long")
		}
	}
	return exchange.CheckShort(a.Short)
}
