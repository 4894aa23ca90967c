package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is one change of one file.
type mutant struct {
	target     *target
	file       string // below the module's root
	within     string // the function, as in State.String
	line       int
	start, end int    // offsets of what is replaced
	text       string // what replaces it
	name       string // see finder.add
}

// finder collects the mutants of one file.
type finder struct {
	target *target
	file   string
	source []byte
	set    *token.FileSet
	within string
	fails  bool              // the function's last result is an error
	done   map[ast.Expr]bool // conditions that were decided, alone or as operands
	names  map[string]int    // how often each name was given
	found  []*mutant
}

// find lists the mutants of a file.
func find(t *target, file string, source []byte) ([]*mutant, error) {
	f := &finder{target: t, file: file, source: source, set: token.NewFileSet(), done: map[ast.Expr]bool{}, names: map[string]int{}}
	tree, err := parser.ParseFile(f.set, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range tree.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			f.within = functionName(fn)
			f.body(fn.Type, fn.Body)
		}
	}
	return f.found, nil
}

func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	receiver := fn.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

// body looks through a function. A function inside it has results of its own.
func (f *finder) body(sig *ast.FuncType, body *ast.BlockStmt) {
	outer := f.fails
	defer func() { f.fails = outer }()
	f.fails = lastIsError(sig)
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.body(n.Type, n.Body)
			return false
		case *ast.CallExpr:
			if isMessage(n) {
				return false
			}
		}
		f.node(n)
		return true
	})
}

func lastIsError(sig *ast.FuncType) bool {
	if sig.Results == nil {
		return false
	}
	id, ok := sig.Results.List[len(sig.Results.List)-1].Type.(*ast.Ident)
	return ok && id.Name == "error"
}

// isMessage reports whether a call only words an error or a line of the log. Tests do
// not hold these texts, so nothing in them is changed.
func isMessage(c *ast.CallExpr) bool {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name == "panic" || strings.HasSuffix(fun.Name, "rrorf")
	case *ast.SelectorExpr:
		if on, ok := fun.X.(*ast.SelectorExpr); ok && on.Sel.Name == "log" {
			return true
		}
		return fun.Sel.Name == "New" || strings.HasSuffix(fun.Sel.Name, "rrorf")
	}
	return false
}

func (f *finder) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.condition(n.Cond, true)
	case *ast.ForStmt:
		if n.Cond != nil {
			f.condition(n.Cond, false) // a loop that never ends says nothing
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					f.condition(e, true)
				}
			}
		}
	case *ast.ReturnStmt:
		f.swallow(n)
	case *ast.BlockStmt:
		f.leaveOut(n.List)
	case *ast.CaseClause:
		f.leaveOut(n.Body)
	case ast.Expr:
		f.expression(n)
	}
}

// neighbours says which operator a wrong one is most likely to be.
var neighbours = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.ADD: token.SUB, token.SUB: token.ADD,
}

func (f *finder) expression(e ast.Expr) {
	if isCondition(e) {
		f.condition(e, true)
	}
	if b, ok := e.(*ast.BinaryExpr); ok {
		if other, ok := neighbours[b.Op]; ok {
			text := f.text(b.X) + " " + other.String() + " " + f.text(b.Y)
			f.add(b, text, text)
		}
	}
}

func isCondition(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return isCondition(e.X)
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return true
		}
	}
	return false
}

// condition decides e beforehand as false and, with both, as true. It decides each operand so
// that those beside it still matter: as true in an && and as false in an ||.
func (f *finder) condition(e ast.Expr, both bool) {
	if f.done[e] {
		return
	}
	f.decide(e, false)
	if both {
		f.decide(e, true)
	}
	f.operands(e)
}

func (f *finder) operands(e ast.Expr) {
	f.done[e] = true
	switch e := e.(type) {
	case *ast.ParenExpr:
		f.operands(e.X)
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			f.operands(e.X)
		}
	case *ast.BinaryExpr:
		if e.Op != token.LAND && e.Op != token.LOR {
			return
		}
		for _, x := range []ast.Expr{e.X, e.Y} {
			if b, ok := x.(*ast.BinaryExpr); !ok || b.Op != e.Op { // a && b, of a && b && c, is not an operand
				f.decide(x, e.Op == token.LAND)
			}
			f.operands(x)
		}
	}
}

// decide has e be a constant. The text keeps e, so that what it names stays in use, but
// does not evaluate it.
func (f *finder) decide(e ast.Expr, to bool) {
	if to {
		f.add(e, "(true || "+f.text(e)+")", "true")
	} else {
		f.add(e, "(false && ("+f.text(e)+"))", "false")
	}
}

// swallow returns no error where one is passed on by `return f()`. In `if err != nil { return err }`
// the decision of the condition does the same.
func (f *finder) swallow(r *ast.ReturnStmt) {
	if !f.fails || len(r.Results) == 0 {
		return
	}
	if call, ok := r.Results[len(r.Results)-1].(*ast.CallExpr); ok && !isMessage(call) {
		f.add(call, "nil", "nil")
	}
}

// leaveOut removes each statement that does something and gives nothing a name.
func (f *finder) leaveOut(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && isMessage(call) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.IncDecStmt, *ast.DeferStmt, *ast.SendStmt, *ast.GoStmt:
		default:
			continue
		}
		f.add(s, "", "nothing")
	}
}

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.offset(n.Pos()):f.offset(n.End())])
}

func (f *finder) offset(p token.Pos) int { return f.set.Position(p).Offset }

// add has text replace n, and shows it as shown. The name of the mutant says the file, the
// function and the change, but no line: it outlives changes elsewhere in the
// file. Like changes in one function are numbered.
func (f *finder) add(n ast.Node, text, shown string) {
	name := fmt.Sprintf("%s %s: `%s` is `%s`", f.file, f.within, oneLine(f.text(n)), oneLine(shown))
	f.names[name]++
	if nth := f.names[name]; nth > 1 {
		name += fmt.Sprintf(" (%d)", nth)
	}
	f.found = append(f.found, &mutant{
		target: f.target, file: f.file, within: f.within, line: f.set.Position(n.Pos()).Line,
		start: f.offset(n.Pos()), end: f.offset(n.End()), text: text, name: name,
	})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// apply is the changed file.
func (m *mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], []byte(m.text), source[m.end:])
}
