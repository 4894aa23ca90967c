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
	for number, name := range constants {
		code := exchange.Code(number)
		line := fmt.Sprintf("%d %s %s retry=%v", number, name, code, code.Retry())
		if number >= len(golden) {
			t.Errorf("testdata/codes.txt: append %q", line)
		} else if golden[number] != line {
			t.Errorf("code %d is %q, but was published as %q", number, line, golden[number])
		}
	}
	if len(golden) > len(constants) {
		t.Errorf("published codes are gone: %q", golden[len(constants):])
	}
}

func TestCodeNames(t *testing.T) {
	seen := make(map[string]exchange.Code)
	for number := range codeConstants(t) {
		code := exchange.Code(number)
		name := code.String()
		if name == "" || strings.HasPrefix(name, "code-") || strings.ToLower(name) != name || strings.ContainsAny(name, " _") {
			t.Errorf("code %d has the name %q", number, name)
		}
		if other, taken := seen[name]; taken {
			t.Errorf("codes %d and %d share the name %q", other, number, name)
		}
		seen[name] = code
		if got := exchange.ParseCode(name); got != code {
			t.Errorf("ParseCode(%q) = %d, want %d", name, got, code)
		}
	}
	for _, unknown := range []exchange.Code{exchange.Code(len(seen)), 1 << 31, math.MaxUint32} {
		if got, want := unknown.String(), "code-"+strconv.FormatUint(uint64(unknown), 10); got != want || unknown.Retry() {
			t.Errorf("unknown code %d: %q, retry %v", uint32(unknown), got, unknown.Retry())
		}
	}
	for _, name := range []string{"", "code-99", "Internal"} {
		if got := exchange.ParseCode(name); got != exchange.CodeInternal {
			t.Errorf("ParseCode(%q) = %v, want internal", name, got)
		}
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
		if got := exchange.CodeOf(c.err); got != c.want {
			t.Errorf("CodeOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
	if got := (&exchange.Error{Code: exchange.CodeFork}).Error(); got != "fork" {
		t.Errorf("an error without a message reads %q", got)
	}
}

// codeConstants reads the names of the Code constants from the source, by number.
func codeConstants(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !isCode(spec.Type) {
			return true
		}
		value, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || value.Value != strconv.Itoa(len(names)) {
			t.Fatalf("%s: codes are written out and count up by one", spec.Names[0])
		}
		names = append(names, spec.Names[0].Name)
		return true
	})
	if len(names) == 0 {
		t.Fatal("no code found in errors.go")
	}
	return names
}

func isCode(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "Code"
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
