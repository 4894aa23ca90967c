package p2p

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/souk-market/souk/exchange"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// errorVector pins the payload of one error frame.
type errorVector struct {
	Code   exchange.Code
	Retry  bool
	Detail string // as the other shop shows it
	Bytes  hexBytes
}

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func readVectors(t *testing.T, file string) (vectors []errorVector) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &vectors)
	}
	if err != nil || len(vectors) == 0 {
		t.Fatalf("%s: %d vectors, %v", file, len(vectors), err)
	}
	return vectors
}

// checkAnswer holds that err is the other shop's answer that a vector stands for.
func (v errorVector) checkAnswer(t *testing.T, err error) {
	t.Helper()
	if code := exchange.CodeOf(err); !IsAnswer(err) || code != v.Code || code.Retry() != v.Retry || err.Error() != v.Detail {
		t.Errorf("read as %v (%v, retry %v), want %q (%v, retry %v)", err, code, code.Retry(), v.Detail, v.Code, v.Retry)
	}
}

// The two codes of a newer version that the tests make up: one that may work later, one that will not.
const (
	newerLater = 4000 | exchange.RetryBit
	newerNever = 4001
)

// madeErrors are the errors of the golden vectors, which stand for what a shop says.
func madeErrors() []error {
	var made []error
	for c := exchange.CodeInternal; c <= exchange.CodeLocked; c++ {
		made = append(made, exchange.Errorf(c, "told as %v", c))
	}
	return append(made,
		exchange.Errorf(newerLater, "of the future"),
		exchange.Errorf(newerNever, "of the future"),
		&exchange.Error{Code: exchange.CodeFork},
		&exchange.Error{Code: exchange.CodeOK, Message: "no error"},
		exchange.Errorf(exchange.CodeInternal, "open /home/owner/souk: no space"),
		errors.New("open /home/owner/souk: no space"),
		fmt.Errorf("line 3: %w", exchange.Errorf(exchange.CodeCountry, "not there")),
		exchange.Errorf(exchange.CodeInvalid, "no UTF-8: \xff\xfe"),
		exchange.Errorf(exchange.CodeLimit, "%s", strings.Repeat("漢字", MaxErrorText)),
	)
}

// TestGoldenErrors pins the bytes of an error between shops. The vectors are made by
//
//	go test ./protocol/p2p -run GoldenErrors -update
//
// A vector that changes is a change of the wire.
func TestGoldenErrors(t *testing.T) {
	const file = "testdata/golden/errors.json"
	var made []errorVector
	for _, err := range madeErrors() {
		b := appendError(nil, err)
		got := parseError(b)
		code := exchange.CodeOf(got)
		made = append(made, errorVector{Code: code, Retry: code.Retry(), Detail: got.Error(), Bytes: b})
	}
	if *update {
		b, err := json.MarshalIndent(made, "", "  ")
		if err == nil {
			err = os.WriteFile(file, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	kept := readVectors(t, file)
	if !reflect.DeepEqual(kept, made) {
		t.Errorf("%s is not what is made; if the wire is meant to change, run with -update", file)
	}
	for i, v := range kept {
		t.Run(fmt.Sprintf("%d %v", i, v.Code), func(t *testing.T) { v.checkAnswer(t, parseError(v.Bytes)) })
	}
}

// TestErrorsOfTheVersionBefore reads what the first version sent. Its bytes were written
// by commit fe994f5; nothing writes them again.
func TestErrorsOfTheVersionBefore(t *testing.T) {
	for i, v := range readVectors(t, "testdata/golden/errors-before.json") {
		t.Run(fmt.Sprintf("%d %v", i, v.Code), func(t *testing.T) { v.checkAnswer(t, parseError(v.Bytes)) })
	}
	t.Run("not UTF-8", func(t *testing.T) { // which that version sent, and took for a broken frame
		errorVector{Code: exchange.CodeInvalid, Detail: "row \uFFFD"}.checkAnswer(t, parseError([]byte("\x02row \xff")))
	})
}

// parseErrorBefore is parseError as it was at commit fe994f5.
func parseErrorBefore(b []byte) error {
	code, n := binary.Uvarint(b)
	if n <= 0 || code == uint64(exchange.CodeOK) || code > 1<<32-1 || len(b)-n > 1024 || !utf8.Valid(b[n:]) {
		return errFrame
	}
	return exchange.Errorf(exchange.Code(code), "%w", answered{string(b[n:])})
}

// TestVersionBeforeUnderstands holds that a partner on the first version reads our
// errors as we do. Of a code that it does not know it does not see the RetryBit.
func TestVersionBeforeUnderstands(t *testing.T) {
	for i, v := range readVectors(t, "testdata/golden/errors.json") {
		t.Run(fmt.Sprintf("%d %v", i, v.Code), func(t *testing.T) { v.checkAnswer(t, parseErrorBefore(v.Bytes)) })
	}
}

// Codes of a newer version pass through a shop that does not know them.
func TestNewerErrorsArePassedOn(t *testing.T) {
	for code, retry := range map[exchange.Code]bool{newerLater: true, newerNever: false} {
		t.Run(code.String(), func(t *testing.T) {
			heard := parseError(appendError(nil, exchange.Errorf(code, "of the future")))
			errorVector{Code: code, Retry: retry, Detail: "of the future"}.checkAnswer(t, parseError(appendError(nil, heard)))
		})
	}
}

func TestLongErrorsAreCut(t *testing.T) {
	for name, text := range map[string]string{
		"letters of two bytes": strings.Repeat("é", MaxErrorText),
		"no UTF-8":             strings.Repeat("x\xff", MaxErrorText),
		"one byte too long":    strings.Repeat("a", MaxErrorText+1),
	} {
		t.Run(name, func(t *testing.T) {
			detail := parseError(appendError(nil, exchange.Errorf(exchange.CodeInvalid, "%s", text))).Error()
			if n := len(detail); n > MaxErrorText || n < MaxErrorText-5 || !utf8.ValidString(detail) {
				t.Errorf("%d bytes are left of %d: %q", n, len(text), detail)
			}
		})
	}
}

func TestNoErrors(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":            nil,
		"no error":         {0},
		"half a code":      {0x80},
		"code of 33 bits":  binary.AppendUvarint(nil, 1<<32),
		"code of 65 bits":  append(bytes.Repeat([]byte{0xff}, 9), 2),
		"detail too long":  append([]byte{2}, make([]byte, MaxErrorText+1)...),
		"an endless code":  bytes.Repeat([]byte{0xff}, 20),
		"no error, padded": {0x80, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			if err := parseError(b); err != errFrame {
				t.Errorf("read as %v", err)
			}
		})
	}
}

func TestOwnErrorsAreNoAnswers(t *testing.T) {
	if IsAnswer(exchange.Errorf(exchange.CodeTooOld, "mine")) || IsAnswer(nil) {
		t.Error("a local error passes for an answer")
	}
}

// FuzzError holds that whatever is read can be passed on without a change of code or
// detail, and that the version before can read what is passed on.
func FuzzError(f *testing.F) {
	for _, err := range madeErrors() {
		f.Add(appendError(nil, err))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := parseError(b)
		if err == errFrame {
			return
		}
		code, detail := exchange.CodeOf(err), err.Error()
		if !IsAnswer(err) || code == exchange.CodeOK || len(detail) > MaxErrorText || !utf8.ValidString(detail) {
			t.Fatalf("%v %q", code, detail)
		}
		if code == exchange.CodeInternal {
			detail = internalDetail
		}
		again := errorVector{Code: code, Retry: code.Retry(), Detail: detail}
		if detail == "" {
			again.Detail = code.String()
		}
		again.checkAnswer(t, parseError(appendError(nil, err)))
		again.checkAnswer(t, parseErrorBefore(appendError(nil, err)))
	})
}
