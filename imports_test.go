package souk_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// our starts the import path of every package of this module but its root.
const our = "github.com/souk-market/souk/"

// rules says what the production code of each package may import besides the
// standard library. Packages of this module are written without the module's
// path; "x/..." is x and all below it. A package takes the first row that matches
// it; one that matches none fails the test, so that a new package is placed on
// purpose. Only direct imports are looked at: with every package held to its row,
// there is no way around the table inside the module.
var rules = []rule{
	{".", nil},

	// The core is pure: these rows name everything, other modules included.
	{"exchange", nil},
	{"exchange/merkle", nil},
	{"exchange/backoff", nil}, // pauses alone: whoever waits brings clock and chance
	{"exchange/wake", nil},    // a channel alone
	{"exchange/partnership", allow("exchange")},
	{"exchange/hold", allow("exchange")},
	{"exchange/order", allow("exchange")},
	{"exchange/ledger", allow("exchange")},
	{"exchange/catalog", allow("exchange", "exchange/merkle")},
	{"exchange/membership", allow("exchange", "golang.org/x/mod/sumdb/...")},
	{"exchange/kv", allow("exchange")},
	{"exchange/message", allow("exchange", "exchange/hold", "exchange/order", "exchange/ledger", "exchange/catalog")},
	{"exchange/record", allow("exchange", "exchange/partnership", "exchange/hold", "exchange/order", "exchange/ledger",
		"exchange/message", "exchange/kv")},
	{"exchange/bucket", allow("exchange", "exchange/catalog", "exchange/kv", "exchange/message")},
	{"exchange/audit", allow("exchange", "exchange/partnership", "exchange/hold", "exchange/order", "exchange/ledger",
		"exchange/catalog", "exchange/kv", "exchange/message", "exchange/record")},
	{"exchange/roster", allow("exchange", "exchange/membership", "exchange/kv")},
	{"exchange/writer", allow("exchange", "exchange/kv")},
	{"exchange/event", allow("exchange")},
	{"exchange/shelf", allow("exchange", "exchange/hold", "exchange/catalog", "exchange/kv", "exchange/message", "exchange/record", "exchange/writer")},
	{"exchange/feed", allow("exchange", "exchange/catalog", "exchange/kv", "exchange/message", "exchange/record", "exchange/writer",
		"exchange/bucket", "exchange/shelf")},
	{"exchange/replica", allow("exchange", "exchange/catalog", "exchange/kv", "exchange/message", "exchange/record", "exchange/bucket",
		"exchange/wake", "exchange/backoff")}, // the index catches up with the own catalog: woken, and again after a pause
	{"exchange/trade", allow("exchange", "exchange/partnership", "exchange/hold", "exchange/order", "exchange/ledger",
		"exchange/kv", "exchange/message", "exchange/record", "exchange/writer", "exchange/shelf", "exchange/event")},
	{"exchange/desk/desktest", allow("exchange/...", "protocol", "store")},
	{"exchange/desk", allow("exchange", "exchange/kv", "exchange/message", "exchange/writer", "exchange/shelf", "exchange/feed",
		"exchange/trade", "exchange/event")},

	// Tests of any package say by it what a machine lacks.
	{"internal/leftout", nil},

	// Wire and disk, which do not know each other; above the wire the network, and
	// above that the spreading of the member list.
	{"protocol/members", allow("protocol/...", "exchange/...", anyModule)},
	{"protocol/p2p/...", allow("protocol", "protocol/pb/...", "protocol/p2p/...", "exchange/...", anyModule)},
	{"protocol/pb/...", allow("google.golang.org/protobuf/...")},
	{"protocol/keyfile", allow("exchange", "store/durable")}, // a key file is written as the rest of its folder is
	{"protocol/...", allow("protocol", "protocol/pb/...", "exchange/...", anyModule)},
	{"store/durable", nil}, // for whoever writes a file, keyfile too
	{"store/tomlfile", allow("exchange", "store/durable", anyModule)}, // so that node and hub read alike and still do not know each other
	{"store/...", allow("store/...", "exchange", "exchange/kv", anyModule)},

	// Programs: a node and a hub, which do not know each other, and what is above them.
	{"node/...", allow("node/...", "protocol/...", "store/...", "exchange/...", anyModule)},
	{"hub/...", allow("hub/...", "protocol/...", "store/...", "exchange/...", anyModule)},
	{"testnet/...", allow("testnet/...", "node/...", "hub/...", "protocol/...", "store/...", "exchange/...", anyModule)},
	{"cmd/...", allow("cmd/...", "testnet/...", "node/...", "hub/...", "protocol/...", "store/...", "exchange/...", anyModule)},
}

// only names who alone imports something, whatever rows allow to others.
var only = map[string][]string{
	"github.com/libp2p/...":            {"protocol/p2p/..."},
	"github.com/multiformats/...":      {"protocol/p2p/..."},
	"google.golang.org/protobuf/...":   {"protocol/...", "store"}, // store: the checksums in Badger's own tables
	"github.com/dgraph-io/...":         {"store/..."},
	"github.com/spf13/cobra/...":       {"cmd/..."},
	"github.com/pelletier/go-toml/...": {"store/tomlfile"}, // configurations are read strictly, everywhere
	"os/exec":                          {"testnet/..."},    // it starts real shops; nothing else starts a process
}

// never lists what no package imports, generated code apart.
var never = map[string]string{
	"unsafe":    "shops trust this code with their stock; the compiler checks all of it",
	"C":         "the binary is static, on every platform",
	"plugin":    "parts are composed in code, not at run time",
	"math/rand": "use math/rand/v2 where chance will do and crypto/rand for secrets",
	"log":       "a *slog.Logger is passed in",
}

// anyModule in a row allows what is neither of this module nor in only or never.
const anyModule = "any other module"

type rule struct {
	pkg string
	may []string
}

func allow(imports ...string) []string { return imports }

func ruleFor(pkg string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return covers(r.pkg, pkg) })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

func TestImports(t *testing.T) {
	packages := productionImports(t)
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		row, ok := ruleFor(pkg)
		if !ok {
			t.Errorf("package %s has no row in the table of imports; place it", pkg)
			continue
		}
		for _, imp := range slices.Sorted(maps.Keys(packages[pkg])) {
			if why := row.refuses(pkg, imp); why != "" {
				t.Errorf("%s: package %s must not import %s: %s", packages[pkg][imp], pkg, imp, why)
			}
		}
	}
}

// refuses says why pkg may not import imp, or "".
func (r rule) refuses(pkg, imp string) string {
	if why, ok := never[imp]; ok && !covers("protocol/pb/...", pkg) {
		return why
	}
	for what, who := range only {
		if covers(what, imp) && !anyCovers(who, pkg) {
			return "only " + strings.Join(who, " and ") + " may"
		}
	}
	name, ours := strings.CutPrefix(imp, our)
	host, _, _ := strings.Cut(imp, "/")
	switch {
	case !ours && !strings.Contains(host, "."): // the standard library
		return ""
	case !ours && slices.Contains(r.may, anyModule):
		return ""
	case anyCovers(r.may, name):
		return ""
	}
	return "the row of " + r.pkg + " does not allow it"
}

func anyCovers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) })
}

// covers reports whether name is pattern or, for "x/...", x or below it.
func covers(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	return name == pattern
}

// productionImports parses every file of the module that is no test, for all
// operating systems and build tags. It returns, for each package named without
// the module's path, what it imports and a file that does.
func productionImports(t *testing.T) map[string]map[string]string {
	t.Helper()
	packages := make(map[string]map[string]string)
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
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(file))
		if packages[pkg] == nil {
			packages[pkg] = make(map[string]string)
		}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			packages[pkg][imp] = file
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// TestImportRules holds the checker itself against what the table must say.
func TestImportRules(t *testing.T) {
	for _, c := range []struct {
		pkg, imp string
		ok       bool
	}{
		{"exchange", "fmt", true},
		{"exchange", our + "exchange/order", false},
		{"exchange", "golang.org/x/mod/sumdb/tlog", false},
		{"exchange/order", our + "exchange", true},
		{"exchange/order", our + "exchange/ledger", false},
		{"exchange/catalog", our + "exchange/merkle", true},
		{"exchange/membership", "golang.org/x/mod/sumdb/note", true},
		{"exchange/membership", "golang.org/x/mod/semver", false},
		{"exchange/desk", our + "exchange/trade", true},
		{"exchange/desk", our + "exchange/replica", false},
		{"exchange/desk", our + "store", false},
		{"exchange/writer", our + "exchange/record", false},
		{"exchange/audit", our + "exchange/writer", false},
		{"exchange/trade", our + "exchange/feed", false},
		{"exchange/desk", "google.golang.org/protobuf/proto", false},
		{"exchange/roster", our + "exchange/kv", true},
		{"exchange/roster", our + "exchange/desk", false},
		{"exchange/audit", our + "exchange/record", true},
		{"exchange/audit", our + "exchange/desk", false},
		{"protocol/members", our + "protocol/p2p", true},
		{"protocol/members", "github.com/libp2p/go-libp2p/core/peer", false},
		{"protocol/p2p", our + "protocol/members", false},
		{"exchange/membership", our + "exchange/desk", false},
		{"protocol", our + "exchange/message", true},
		{"protocol", our + "node", false},
		{"protocol", our + "store", false},
		{"protocol", "github.com/libp2p/go-libp2p", false},
		{"protocol/p2p", "github.com/libp2p/go-libp2p/core/host", true},
		{"protocol/p2p", our + "store", false},
		{"protocol/p2p", our + "hub", false},
		{"store", our + "protocol", false},
		{"store", "google.golang.org/protobuf/proto", true},
		{"node", "google.golang.org/protobuf/proto", false},
		{"store", "github.com/dgraph-io/badger/v4", true},
		{"node", "github.com/dgraph-io/badger/v4", false},
		{"node/inventory", our + "node", true},
		{"node", our + "hub", false},
		{"node", our + "store/tomlfile", true},
		{"node", "github.com/pelletier/go-toml/v2", false},
		{"protocol/keyfile", our + "store/durable", true},
		{"protocol/keyfile", our + "store", false},
		{"store/durable", our + "store", false},
		{"hub", our + "node/api", false},
		{"hub", "github.com/libp2p/go-libp2p", false},
		{"testnet", our + "hub", true},
		{"testnet", our + "cmd/souk", false},
		{"node", "github.com/spf13/cobra", false},
		{"cmd/souk", our + "testnet", true},
		{"cmd/souk", "unsafe", false},
	} {
		row, found := ruleFor(c.pkg)
		if !found {
			t.Errorf("%s has no row", c.pkg)
			continue
		}
		if why := row.refuses(c.pkg, c.imp); (why == "") != c.ok {
			t.Errorf("%s imports %s: allowed %v, want %v (%s)", c.pkg, c.imp, why == "", c.ok, why)
		}
	}
}
