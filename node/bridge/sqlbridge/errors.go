package sqlbridge

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-market/souk/exchange/bridge"
)

// maxTries is how often a transaction is tried that another one kept from ending.
const maxTries = 3

// Conditions of PostgreSQL (its manual, appendix A). Each of those that are tried again or answered
// busy says for certain that the transaction was undone.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
)

// setup are conditions, and classes of them, that last until somebody changes something.
var setup = []string{
	"28",    // invalid authorization
	"3D000", // no such database
	"3F000", // no such schema
	"42501", // insufficient privilege
	"42703", // undefined column
	"42P01", // undefined table
	"42804", // a column of another type
	"42883", // no such operator or function, as for a column of another type
	"22P02", // a key that is no text of its column's type
}

func condition(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func isBusy(err error) bool { return condition(err) == lockNotAvailable }

func isDeadlock(err error) bool {
	c := condition(err)
	return c == deadlockDetected || c == serializationFailure
}

// meaning is what an error tells the caller: most tell nothing.
func meaning(err error) error {
	c := condition(err)
	if c != "" && slices.ContainsFunc(setup, func(s string) bool { return c == s || len(s) == 2 && c[:2] == s }) {
		return fmt.Errorf("%w: the database says: %w", bridge.ErrSetup, err)
	}
	return fmt.Errorf("the database: %w", err)
}
