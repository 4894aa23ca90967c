package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Short is a line of a hold for which the supplier has not enough stock.
type Short struct {
	SKU       SKU
	Asked     int64 // > Available
	Available int64 // what could have been held; of a pool, what the lines before it left
}

func (s Short) String() string {
	return fmt.Sprintf("%s: %d asked, %d available", s.SKU, s.Asked, s.Available)
}

// maxShortText bounds the sentence of a refusal that names short lines, in bytes: it goes into
// fields for a person, which are cut there. Whatever it leaves out is in [Error.Short].
const maxShortText = MaxText

// Insufficient is the refusal of a hold: CodeInsufficient, with every line that is short, at least
// one and at most MaxLines. Its message names as many of them as fit and counts the rest.
func Insufficient(short []Short) *Error {
	var said []string
	room := maxShortText - len("; and 64 more")
	for _, s := range short {
		text := s.String()
		if room -= len(text) + len("; "); room < 0 {
			break
		}
		said = append(said, text)
	}
	if rest := len(short) - len(said); rest > 0 {
		said = append(said, fmt.Sprintf("and %d more", rest))
	}
	return &Error{Code: CodeInsufficient, Message: strings.Join(said, "; "), Short: slices.Clone(short)}
}

// ShortLines are the lines that a refusal names as short, also where it was wrapped; nil of any
// other error, and of a refusal by a version that named the first in its message alone.
func ShortLines(err error) []Short {
	var e *Error
	for errors.As(err, &e) {
		if len(e.Short) > 0 {
			return e.Short
		}
		err = e.cause
	}
	return nil
}

// CheckShort reports short lines that no refusal has: too many, one product twice, a bad SKU, a
// number below zero, or as many available as were asked for. Whether they were asked for, whoever
// asked knows.
func CheckShort(short []Short) error {
	if len(short) > MaxLines {
		return Errorf(CodeInvalid, "%d lines are short; a hold has at most %d", len(short), MaxLines)
	}
	named := make(map[SKU]bool, len(short))
	for _, s := range short {
		if _, err := ParseSKU(string(s.SKU)); err != nil {
			return err
		}
		switch {
		case named[s.SKU]:
			return Errorf(CodeInvalid, "%s is short twice", s.SKU)
		case s.Available < 0:
			return Errorf(CodeInvalid, "%s: units of a short line are not negative", s.SKU)
		case s.Asked <= s.Available:
			return Errorf(CodeInvalid, "%s is not short: %d asked, %d available", s.SKU, s.Asked, s.Available)
		}
		named[s.SKU] = true
	}
	return nil
}
