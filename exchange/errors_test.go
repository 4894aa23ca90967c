package exchange_test

import (
	"bufio"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestCodesAreAppendOnly holds the constants and their names against
// testdata/codes.txt. Codes stand in signed records: a line of that file is never
// changed or removed, a new code gets a new last line.
func TestCodesAreAppendOnly(t *testing.T) {
	golden := readLines(t, "testdata/codes.txt")
	constants := codeConstants(t)
	for i, c := range constants {
		line := fmt.Sprintf("%d %s %s retry=%v", uint32(c.code), c.name, c.code, c.code.Retry())
		if i >= len(golden) {
			t.Errorf("testdata/codes.txt: append %q", line)
		} else if golden[i] != line {
			t.Errorf("code %d is %q, but was published as %q", i, line, golden[i])
		}
		if tells := c.code&exchange.RetryBit != 0; c.code > exchange.CodeLocked && tells != c.code.Retry() {
			t.Errorf("%s: its Retry is %v, but who does not know it reads %v from its number", c.name, !tells, tells)
		}
	}
	if len(golden) > len(constants) {
		t.Errorf("published codes are gone: %q", golden[len(constants):])
	}
}

func TestCodeNames(t *testing.T) {
	seen := make(map[string]exchange.Code)
	for _, c := range codeConstants(t) {
		code, name := c.code, c.code.String()
		if name == "" || strings.HasPrefix(name, "code-") || strings.ToLower(name) != name || strings.ContainsAny(name, " _") {
			t.Errorf("code %d has the name %q", uint32(code), name)
		}
		if other, taken := seen[name]; taken {
			t.Errorf("codes %d and %d share the name %q", uint32(other), uint32(code), name)
		}
		seen[name] = code
		if got := exchange.ParseCode(name); got != code {
			t.Errorf("ParseCode(%q) = %d, want %d", name, got, code)
		}
	}
	for _, name := range []string{"", "Internal", "code-", "code-x", "code-07", "code--1", "code-2", "code-4294967296"} {
		t.Run(strconv.Quote(name), func(t *testing.T) {
			if got := exchange.ParseCode(name); got != exchange.CodeInternal {
				t.Errorf("ParseCode(%q) = %v, want internal", name, got)
			}
		})
	}
}

// A code of a newer version tells by its number whether to retry, and keeps the
// number where its name passes through JSON.
func TestUnknownCodes(t *testing.T) {
	next := exchange.Code(len(codeConstants(t)))
	for unknown, retry := range map[exchange.Code]bool{
		next: false, next | exchange.RetryBit: true, exchange.RetryBit: true, exchange.CodeInvalid | exchange.RetryBit: true,
		exchange.RetryBit - 1: false, 1 << 31: false, math.MaxUint32: true,
	} {
		t.Run(unknown.String(), func(t *testing.T) {
			if want := "code-" + strconv.FormatUint(uint64(unknown), 10); unknown.String() != want {
				t.Errorf("%q, want %q", unknown, want)
			}
			if unknown.Retry() != retry {
				t.Errorf("Retry() = %v", !retry)
			}
			if got := exchange.ParseCode(unknown.String()); got != unknown {
				t.Errorf("comes back as %v", got)
			}
		})
	}
}

func TestErrorf(t *testing.T) {
	cause := exchange.Errorf(exchange.CodeDiskFull, "3 MiB free")
	err := exchange.Errorf(exchange.CodeUnavailable, "saving order %d: %w", 7, cause)
	if got, want := err.Error(), "saving order 7: 3 MiB free"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if !errors.Is(err, cause) || errors.Unwrap(err) != error(cause) {
		t.Error("the cause is lost")
	}
	if got := exchange.CodeOf(err); got != exchange.CodeUnavailable {
		t.Errorf("CodeOf = %v; the outermost code counts", got)
	}
	if !errors.Is(err, &exchange.Error{Code: exchange.CodeUnavailable}) || errors.Is(err, &exchange.Error{Code: exchange.CodeFork}) {
		t.Error("errors.Is does not go by the code")
	}

	several := exchange.Errorf(exchange.CodeInternal, "%w and %w", fs.ErrNotExist, fs.ErrPermission)
	if !errors.Is(several, fs.ErrNotExist) || !errors.Is(several, fs.ErrPermission) {
		t.Error("one of two causes is lost")
	}
	if errors.Unwrap(exchange.Errorf(exchange.CodeInvalid, "100%% wrong")) != nil {
		t.Error("a cause from nowhere")
	}
}

func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want exchange.Code
	}{
		{nil, exchange.CodeOK},
		{fs.ErrClosed, exchange.CodeInternal},
		{fmt.Errorf("outside: %w", exchange.Errorf(exchange.CodeStale, "x")), exchange.CodeStale},
		{&exchange.Error{Code: 12345}, 12345},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			if got := exchange.CodeOf(c.err); got != c.want {
				t.Errorf("CodeOf(%v) = %v, want %v", c.err, got, c.want)
			}
		})
	}
	if got := (&exchange.Error{Code: exchange.CodeFork}).Error(); got != "fork" {
		t.Errorf("an error without a message reads %q", got)
	}
}

type codeConstant struct {
	name string
	code exchange.Code
}

// codeConstants reads the Code constants from the source. They are written out as
// 0, 1, 2 … in this order, those that tell of a retry as 37 | RetryBit.
func codeConstants(t *testing.T) []codeConstant {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var constants []codeConstant
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !isCode(spec.Type) {
			return true
		}
		next := exchange.Code(len(constants))
		value := spec.Values[0]
		if or, ok := value.(*ast.BinaryExpr); ok && or.Op == token.OR && isIdent(or.Y, "RetryBit") {
			value, next = or.X, next|exchange.RetryBit
		}
		number, ok := value.(*ast.BasicLit)
		if !ok || number.Value != strconv.Itoa(len(constants)) {
			t.Fatalf("%s: codes are written out and count up by one", spec.Names[0])
		}
		constants = append(constants, codeConstant{spec.Names[0].Name, next})
		return true
	})
	if len(constants) == 0 {
		t.Fatal("no code found in errors.go")
	}
	return constants
}

func isCode(e ast.Expr) bool { return isIdent(e, "Code") }

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}
