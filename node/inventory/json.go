package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// This file takes one line of JSON apart. encoding/json checks that it is
// JSON and reads every string that is not trivial; but its decoders cannot tell
// that a field stands twice.

// checkJSON reports a line that is not one JSON object.
func checkJSON(text []byte) *RowError {
	if text[0] != '{' {
		return &RowError{Column: 1, Message: "the line is not a JSON object"}
	}
	if json.Valid(text) {
		return nil
	}
	var whole json.RawMessage
	var syntax *json.SyntaxError
	err := json.Unmarshal(text, &whole)
	switch {
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(text)):
		err = errors.New("the line ends within the object; it is cut off, or the object is spread over several lines")
	case errors.As(err, &syntax) && bytes.HasSuffix([]byte(syntax.Error()), []byte("after top-level value")):
		err = errors.New("something follows the product; write one object per line")
	}
	column := 1
	if syntax != nil {
		column = int(syntax.Offset)
	}
	return &RowError{Column: column, Message: err.Error()}
}

// member is one name and value of an object.
type member struct {
	name  string
	value []byte // valid JSON without white space around it
	at    int    // 0-based byte of the line at which the name starts
}

// members are those of a valid JSON object, in order.
func members(object []byte) iter.Seq[member] {
	return func(yield func(member) bool) {
		i := space(object, 1)
		for object[i] == '"' {
			m := member{at: i}
			end := valueEnd(object, i)
			_ = decodeString(object[i:end], &m.name) // it is a valid string
			i = space(object, space(object, end)+1)  // over the colon
			end = valueEnd(object, i)
			m.value = object[i:end]
			if i = space(object, end); object[i] == ',' {
				i = space(object, i+1)
			}
			if !yield(m) {
				return
			}
		}
	}
}

func space(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n' {
		i++
	}
	return i
}

// valueEnd is where the valid JSON value that starts at b[i] ends.
func valueEnd(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			if depth == 0 { // the rest of a number or literal
				for bytes.IndexByte([]byte(" \t\r\n,}]"), b[i]) < 0 {
					i++
				}
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// decodeString takes a string; null is "".
func decodeString(value []byte, into *string) error {
	switch {
	case value[0] == 'n':
		return nil
	case value[0] != '"':
		return fmt.Errorf("%s is not a string", shown(value))
	case bytes.IndexByte(value, '\\') < 0:
		*into = string(value[1 : len(value)-1])
		return nil
	}
	return json.Unmarshal(value, into)
}

// decodeNumber takes a number, or a string that holds one, as it is written;
// null is "".
func decodeNumber(value []byte, into *string) error {
	switch value[0] {
	case '"', 'n':
		return decodeString(value, into)
	case '{', '[', 't', 'f':
		return fmt.Errorf("%s is not a number", shown(value))
	}
	*into = string(value)
	return nil
}

// decodeBool takes true or false; null leaves the default.
func decodeBool(value []byte, into *bool) error {
	switch value[0] {
	case 'n':
		return nil
	case 't', 'f':
		*into = value[0] == 't'
		return nil
	}
	return fmt.Errorf("%s is neither true nor false", shown(value))
}

// decodeStrings takes an array of strings; null is none.
func decodeStrings(value []byte, into *[]string) error {
	if value[0] != '[' && value[0] != 'n' {
		return fmt.Errorf("%s is not an array of strings", shown(value))
	}
	return json.Unmarshal(value, into)
}
