package souk_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxMethods bounds the methods of one type. A method may read and write every field of
// its receiver, so a reader of one field has to know all methods: beyond some sixty nobody
// does, and the type holds several subjects. Split it into types with their own fields.
const maxMethods = 60

// tooLarge lists the types that pass maxMethods all the same, each as package.Type with
// the reason. A type that no longer passes it fails the test until its row is deleted.
var tooLarge = map[string]string{}

// TestMethods counts only methods declared with the type, or a pointer to it, as receiver.
// Those of an embedded type are not counted: they reach the fields of that type alone.
func TestMethods(t *testing.T) {
	counts := make(map[string]int)
	eachProductionFile(t, parser.ParseComments|parser.SkipObjectResolution, func(file string, parsed *ast.File) {
		if ast.IsGenerated(parsed) { // nobody reads generated methods: protobuf makes one for each field
			return
		}
		countMethods(counts, path.Dir(filepath.ToSlash(file)), parsed)
	})
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		why, excepted := tooLarge[name]
		if n := counts[name]; n > maxMethods && !excepted {
			t.Errorf("%s has %d methods, more than %d; split it by subject", name, n, maxMethods)
		} else if n <= maxMethods && excepted {
			t.Errorf("%s has only %d methods; delete its row (%q)", name, n, why)
		}
	}
	for name := range tooLarge {
		if counts[name] == 0 {
			t.Errorf("%s has a row, but no methods; delete the row", name)
		}
	}
}

// countMethods adds the methods of one file to counts, by package.Type.
func countMethods(counts map[string]int, pkg string, file *ast.File) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv == nil {
			continue
		}
		counts[pkg+"."+receiver(f.Recv.List[0].Type)]++
	}
}

// receiver is the name of a receiver's type without pointer and type parameters.
func receiver(expr ast.Expr) string {
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.ParenExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default: // the grammar allows no other
			return ""
		}
	}
}

// TestCountMethods holds the counter itself against each form of receiver.
func TestCountMethods(t *testing.T) {
	const source = `package p
		func (a A) One() {}
		func (a *A) Two() {}
		func (*A) three() {}
		func (a (*A)) Four() {}
		func (b *B[K]) One() {}
		func (c C[K, V]) One() {}
		func none() { type A int }`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	countMethods(got, "p", file)
	if want := map[string]int{"p.A": 4, "p.B": 1, "p.C": 1}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// eachProductionFile parses every file of the module that is no test, for all operating
// systems and build tags, and hands it to visit with its path from the module's root.
func eachProductionFile(t *testing.T, mode parser.Mode, visit func(file string, parsed *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (name == "testdata" || strings.ContainsAny(name[:1], "._")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, mode)
		if err != nil {
			return err
		}
		visit(file, parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
