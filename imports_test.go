package souk_test

import (
	"cmp"
	"go/ast"
	"go/parser"
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
// standard library, and why that is enough. Packages of this module are written without
// the module's path; "x/..." is x and all below it. The first row that matches a package
// holds for it. The test fails for a package without a row, so that a new package is
// placed on purpose; for a row without a reason; and for a row that holds for no package.
// Only direct imports are looked at: with every package held to its row, there is no way
// around the table inside the module.
var rules = []rule{
	{".", "documentation and tests of the whole module; nothing runs here", nil},

	// The core is pure: these rows name everything, other modules included.
	{"exchange", "the words that every other package speaks in, so it knows none of them", nil},
	{"exchange/exchangetest", "values for the tests of any package, the machines' too; tests alone import it", allow("exchange")},
	{"exchange/merkle", "hashes over bytes, whatever they mean", nil},
	{"exchange/backoff", "pauses alone: who waits brings the clock and the chance", nil},
	{"exchange/wake", "a channel alone", nil},
	{"exchange/partnership", "a machine knows the words and no other machine", allow("exchange")},
	{"exchange/hold", "a machine knows the words and no other machine", allow("exchange")},
	{"exchange/basket", "a machine knows the words and no other machine", allow("exchange")},
	{"exchange/bridge", "what is asked of a shop's own system, in the words alone", allow("exchange")},
	{"exchange/order", "a machine knows the words and no other machine", allow("exchange")},
	{"exchange/ledger", "a machine knows the words and no other machine", allow("exchange")},
	{"exchange/catalog", "products, and the digest of a set of them, which is a Merkle root", allow("exchange", "exchange/merkle")},
	{"exchange/membership", "rules of the member list, a Merkle log under signed notes; Go's own checksum database gives both",
		allow("exchange", "golang.org/x/mod/sumdb/...")},
	{"exchange/kv", "ordered keys and opaque values; what they mean is for the packages above", allow("exchange")},
	{"exchange/message", "what two shops send, in the words of the machines; neither stored nor encoded here",
		allow("exchange", "exchange/hold", "exchange/order", "exchange/ledger", "exchange/catalog")},
	{"exchange/record", "what a shop stores; nothing in it decides, so that writers and checker can share it",
		allow("exchange", "exchange/partnership", "exchange/hold", "exchange/order", "exchange/ledger", "exchange/basket",
			"exchange/message", "exchange/kv")},
	{"exchange/bucket", "digests of a set of products, for a feed and for its replica alike, so it knows neither",
		allow("exchange", "exchange/catalog", "exchange/kv", "exchange/message")},
	{"exchange/audit", "checks books by the records and the machines alone, never by the code that keeps the books",
		allow("exchange", "exchange/partnership", "exchange/hold", "exchange/order", "exchange/ledger", "exchange/basket",
			"exchange/catalog", "exchange/kv", "exchange/message", "exchange/record")},
	{"exchange/roster", "keeps the member list in a store; membership has the rules, and trade has no part in it",
		allow("exchange", "exchange/membership", "exchange/kv")},
	{"exchange/writer", "commits operations, whatever they change, so it knows no product, hold or order", allow("exchange", "exchange/kv")},
	{"exchange/event", "an event says that something changed, and has no part of what changed; its log is rows of the commit that changed it",
		allow("exchange", "exchange/kv", "exchange/message", "exchange/record", "exchange/writer", "exchange/wake")},
	{"exchange/shelf", "products and stock; feed and trade are told by what is passed in",
		allow("exchange", "exchange/hold", "exchange/catalog", "exchange/kv", "exchange/message", "exchange/record", "exchange/writer")},
	{"exchange/feed", "publishes what the shelf has; of trade it asks through its configuration who may read",
		allow("exchange", "exchange/catalog", "exchange/kv", "exchange/message", "exchange/record", "exchange/writer",
			"exchange/bucket", "exchange/shelf", "exchange/wake")},
	{"exchange/replica", "copies of catalogs, in a store of their own that no writer keeps and no feed shares",
		allow("exchange", "exchange/catalog", "exchange/kv", "exchange/message", "exchange/record", "exchange/bucket",
			"exchange/backoff", "exchange/wake")},
	{"exchange/trade", "partnerships, holds and orders: it runs the machines and moves stock, and knows no feed",
		allow("exchange", "exchange/partnership", "exchange/hold", "exchange/order", "exchange/ledger", "exchange/basket",
			"exchange/kv", "exchange/message", "exchange/record", "exchange/writer", "exchange/shelf", "exchange/event",
			"exchange/bridge", "exchange/backoff", "exchange/wake")},
	{"exchange/desk/desktest", "a world for tests, with the real codec and the store in memory; tests alone import it",
		allow("exchange/...", "protocol", "store")},
	{"exchange/desk", "opens the parts of a shop and connects them; it decides nothing, so it needs no machine, and of the records the one that every commit carries",
		allow("exchange", "exchange/kv", "exchange/message", "exchange/writer", "exchange/shelf", "exchange/feed",
			"exchange/trade", "exchange/event", "exchange/record", "exchange/bridge")},

	{"testnet/mutate", "changes source text and runs the go command over it, whatever the packages do", nil},
	{"testnet/netlab", "builds networks, whatever runs in them; of souk its tests run the binary alone",
		allow("testnet/leftout", anyModule)},
	{"testnet/leftout", "tests of any package say by it what a machine lacks, so it stands on none", nil},

	// Wire and disk, which do not know each other; above the wire the network, and
	// above that the spreading of the member list.
	{"protocol/members", "spreads the member list over the network, so it stands above both", allow("protocol/...", "exchange/...", anyModule)},
	{"protocol/p2p/...", "moves bytes between members and knows only what it frames itself: not the member list, not the store",
		allow("protocol", "protocol/pb/...", "protocol/p2p/...", "exchange/...", anyModule)},
	{"protocol/pb/...", "generated from the schema; protobuf's own run time is all it calls", allow("google.golang.org/protobuf/...")},
	{"protocol/keyfile", "a key file is written as the other files of its folder are", allow("exchange", "store/durable")},
	{"protocol/...", "what shops send and sign, as bytes; neither sent nor stored here", allow("protocol", "protocol/pb/...", "exchange/...", anyModule)},
	{"store/durable", "writes bytes for whoever has a small file to keep, protocol/keyfile too, so it knows none of them", nil},
	{"store/tomlfile", "node and hub read their configurations alike through it, and still do not know each other",
		allow("exchange", "store/durable", anyModule)},
	{"store/...", "keeps opaque bytes; of the core it implements the interface in kv", allow("store/...", "exchange", "exchange/kv", anyModule)},

	// Programs: a node and a hub, which do not know each other, and what is above them.
	{"node/bridge/webhook", "a way to a system, in the bridge's words alone: it knows no node", allow("exchange", "exchange/bridge", anyModule)},
	{"node/bridge/sqlbridge", "a way to a system, in the bridge's words alone: it knows no node", allow("exchange", "exchange/bridge", anyModule)},
	{"node/bridge/conformance", "tries any way to a system; of HTTP it has what forges messages", allow("exchange", "exchange/bridge", "node/bridge/webhook")},
	{"node/bridge/bridgetest", "a system for tests, and the cases as a test; tests alone import it", allow("exchange", "exchange/bridge", "node/bridge/conformance")},
	{"node/...", "composes a shop; it works without the code of a hub", allow("node/...", "protocol/...", "store/...", "exchange/...", anyModule)},
	{"hub/...", "composes a hub; it holds no catalog or order, so it needs no code of a node", allow("hub/...", "protocol/...", "store/...", "exchange/...", anyModule)},
	{"testnet/...", "runs shops and a hub together", allow("testnet/...", "node/...", "hub/...", "protocol/...", "store/...", "exchange/...", anyModule)},
	{"cmd/...", "wires everything to flags; nothing imports it", allow("cmd/...", "testnet/...", "node/...", "hub/...", "protocol/...", "store/...", "exchange/...", anyModule)},
}

// only names who alone imports something, whatever rows allow to others.
var only = map[string][]string{
	"github.com/libp2p/...":            {"protocol/p2p/..."},
	"github.com/multiformats/...":      {"protocol/p2p/..."},
	"github.com/standard-webhooks/...": {"node/bridge/webhook"},
	"github.com/jackc/...":             {"node/bridge/sqlbridge"},
	our + "node/bridge/bridgetest":     {},                        // tests alone
	"google.golang.org/protobuf/...":   {"protocol/...", "store"}, // store: the checksums in Badger's own tables
	"github.com/dgraph-io/...":         {"store/..."},
	"github.com/spf13/cobra/...":       {"cmd/..."},
	"github.com/pelletier/go-toml/...": {"store/tomlfile"},                                               // configurations are read strictly, everywhere
	our + "exchange/desk":              {"node/...", "testnet/...", "cmd/...", "exchange/desk/desktest"}, // whoever needs a part imports the part
	"os/exec":                          {"testnet/..."},                                                  // it starts real shops, and the go command; nothing else starts a process
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

// rule is a row of the table: the packages it holds for, why, and what they may import.
type rule struct {
	pkg string
	why string
	may []string
}

func allow(imports ...string) []string { return imports }

// ruleFor returns the index in rules of the row that holds for pkg, -1 if none does.
func ruleFor(pkg string) int {
	return slices.IndexFunc(rules, func(r rule) bool { return covers(r.pkg, pkg) })
}

func TestImports(t *testing.T) {
	packages := productionImports(t)
	used := make(map[int]bool)
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		i := ruleFor(pkg)
		if i < 0 {
			t.Errorf("package %s has no row in the table of imports; place it", pkg)
			continue
		}
		used[i] = true
		for _, imp := range slices.Sorted(maps.Keys(packages[pkg])) {
			if why := rules[i].refuses(pkg, imp); why != "" {
				t.Errorf("%s: package %s must not import %s: %s", packages[pkg][imp], pkg, imp, why)
			}
		}
	}
	for i, row := range rules {
		if !used[i] {
			t.Errorf("the row of %s holds for no package; delete it, or move it before the row that hides it", row.pkg)
		}
		if row.why == "" {
			t.Errorf("the row of %s gives no reason", row.pkg)
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
			return "only " + cmp.Or(strings.Join(who, " and "), "tests") + " may"
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
	return "the row of " + r.pkg + " does not allow it (" + r.why + ")"
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

// productionImports returns, for each package named without the module's path, what
// its production code imports and a file that does.
func productionImports(t *testing.T) map[string]map[string]string {
	t.Helper()
	packages := make(map[string]map[string]string)
	eachProductionFile(t, parser.ImportsOnly, func(file string, parsed *ast.File) {
		pkg := path.Dir(filepath.ToSlash(file))
		if packages[pkg] == nil {
			packages[pkg] = make(map[string]string)
		}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			packages[pkg][imp] = file
		}
	})
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
		{"node", our + "node/bridge/webhook", true},
		{"node", our + "node/bridge/bridgetest", false},
		{"node", "github.com/jackc/pgx/v5", false},
		{"node/bridge/sqlbridge", "github.com/jackc/pgx/v5/pgxpool", true},
		{"node/bridge/webhook", our + "node", false},
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
		t.Run(c.pkg+" imports "+c.imp, func(t *testing.T) {
			i := ruleFor(c.pkg)
			if i < 0 {
				t.Fatal("the package has no row")
			}
			if why := rules[i].refuses(c.pkg, c.imp); (why == "") != c.ok {
				t.Errorf("allowed %v, want %v (%s)", why == "", c.ok, why)
			}
		})
	}
}
