package tomlfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// keyError is what a check found wrong at one key.
type keyError struct {
	key string
	err error
}

func (e *keyError) Error() string { return e.key + ": " + e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

// AtKey lets [Read] tell the line of the key that err is about. A key in a table is written
// with it, profile.countries; the n-th table of an array, from 1, is shipping[n]. A nil err stays nil.
func AtKey(key string, err error) error {
	if err == nil {
		return nil
	}
	return &keyError{key, err}
}

// inFile names the file, and the line where a key stands, in an error about it.
func inFile(path, text string, err error) error {
	var at *keyError
	if errors.As(err, &at) {
		if n := keyLine(text, at.key); n > 0 {
			path = fmt.Sprintf("%s, line %d", path, n)
		}
	}
	return exchange.Errorf(exchange.CodeInvalid, "%s: %w", path, err)
}

// keyLine finds the line, from 1, where a key of a TOML text stands, or else the table
// of that name or the table it belongs in; 0 where there is none of them.
func keyLine(text, key string) int {
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		return findKey(text, key[:i], key[i+1:])
	}
	if n := findKey(text, "", key); n > 0 {
		return n
	}
	return findKey(text, key, "")
}

func findKey(text, table, key string) int {
	in, start, arrays := "", 0, map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		name, isTable := strings.CutPrefix(line, "[")
		array, isArray := strings.CutPrefix(name, "[")
		switch {
		case isTable && isArray:
			in, _, _ = strings.Cut(array, "]]")
			arrays[in]++
			in = fmt.Sprintf("%s[%d]", in, arrays[in])
		case isTable:
			in, _, _ = strings.Cut(name, "]")
		}
		if isTable && in == table && start == 0 {
			start = i + 1
		}
		if k, _, ok := strings.Cut(line, "="); ok && !isTable && key != "" && in == table && strings.TrimSpace(k) == key {
			return i + 1
		}
	}
	return start
}
