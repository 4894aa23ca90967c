package trade_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// The scripts in testdata/scenarios tell what becomes of partnerships, holds, orders and
// ledgers: each is a page, runs on real shops of a desktest.World, and is read from top to
// bottom. Below each group of commands, under "----", stands what the shops answered.
//
//	go test ./exchange/trade -run TestScenarios             checks the answers
//	go test ./exchange/trade -run TestScenarios -rewrite    writes them anew; read the diff
//
// Every script begins with the same four shops, which know nothing of each other. acorn is
// the supplier of all others; birch and cedar are retailers; thorn is a member with a real
// key that it misuses, as acorn's retailer and as birch's and cedar's supplier. A command
// is "shop verb …" or a word for the whole world. Times are told from the script's start;
// nothing in a script depends on the machine's clock or on chance. r1, r2 … name
// reservations and the orders made of them. A command that only changes something answers
// nothing, or "ok" where its whole group has nothing to tell. Begin with plain_order.txt.
//
// The world
//
//	partner acorn birch [terms]     acorn proposes, birch accepts, and they greet each other
//	greet A B                       both exchange greetings, as on a new connection
//	settle                          every message arrives and is answered, until nobody has any
//	advance 15m                     the clock moves; nobody does anything
//	arrive                          the messages that were sent with lose=late arrive
//	ledger SUPPLIER RETAILER        both copies, entry by entry, with an order's status after each
//	terms SUPPLIER RETAILER         the partnership as each of them sees it
//	audit A B …                     checks the books of each, and of each two once healed
//
// Any shop
//
//	propose PARTNER [terms]         terms: discount=15 (percent), hold=15m, accept-within=48h,
//	                                open=1000 (units), cancel=never, currency=USD
//	accept|decline|withdraw|end PARTNER [reason=…]
//	send [lose=…]                   carries what the shop has to send now, and the answers
//	tick                            the shop does what is due by the clock
//	restart                         the process ends and starts on what was committed
//	backup, restore                 copies the store; restarts on the copy
//	twin                            starts a second process, NAME-twin, on a copy of the store
//	revoke                          the shop is out of the member list, and all others know
//	orders, events, selling         what it sells and buys; what it was told since; whether it sells
//
// A supplier
//
//	stock SKU UNITS CENTS           puts a product on the shelf; without arguments tells the stock
//	by-hand                         accepts no order by itself
//	accept|reject|ship|deliver|cancel ORDER [shoe=2 …] [reason=…] [tracking=…]
//	holds                           what is held for whom
//
// A retailer
//
//	reserve ID SUPPLIER shoe=2 … [life=1m] [max=100] [country=SE]
//	extend ID 10m, release ID       the former until so long from now
//	order ID [city=…], cancel ID [shoe=1 …] [reason=…]
//	reservations                    each, and where it stands by now
//
// lose=request, lose=reply and lose=late say what becomes of the message that a command
// sends: it never arrives, its answer never arrives, or it arrives with "arrive". The verb
// forge, in scenario_forge_test.go, sends what no shop's own program would send.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	desktest.Must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no scripts")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := newScenario(t)
			datadriven.RunTest(t, file, func(t *testing.T, td *datadriven.TestData) string { return s.group(td) })
			s.sound()
		})
	}
}

// scenario is the world of one script.
type scenario struct {
	t         *testing.T
	w         *desktest.World
	judge     *protocol.Verifier // knows the keys of who was revoked, too
	start     exchange.Time
	cast      map[string]*desktest.Shop // by name, twins included
	ids       map[string]exchange.HoldID
	backups   map[string]*store.Mem
	late      []lateMessage              // sent with lose=late, in order
	watched   map[string]*watched        // by the shop's name
	firstTold map[string][]byte          // the first reply to each forged request
	quotes    map[exchange.HoldID][]byte // sealed, as forged holds were answered
}

// lateMessage is a message under way.
type lateMessage struct {
	from, to *desktest.Shop
	raw      []byte
}

// watched is what a shop has told its watcher; a restart ends the watch on its desk.
type watched struct {
	desk *desk.Desk
	ch   <-chan event.Event
	told []event.Event
}

func newScenario(t *testing.T) *scenario {
	w := desktest.NewWorld(t, 1, 4)
	s := &scenario{
		t: t, w: w, start: w.Now, cast: map[string]*desktest.Shop{}, ids: map[string]exchange.HoldID{},
		backups: map[string]*store.Mem{}, watched: map[string]*watched{},
		firstTold: map[string][]byte{}, quotes: map[exchange.HoldID][]byte{},
	}
	for i, name := range []string{"acorn", "birch", "cedar", "thorn"} {
		w.Shops[i].Name = name
		s.cast[name] = w.Shops[i]
		s.watched[name] = &watched{}
	}
	s.judge = protocol.NewVerifier(desktest.Origin, maps.Clone(w.Keys))
	w.Late = func(from, to *desktest.Shop, raw []byte) { s.late = append(s.late, lateMessage{from, to, raw}) }
	s.observe()
	return s
}

// observe takes what the shops have told since the last command, and watches those that
// have restarted.
func (s *scenario) observe() {
	for _, shop := range s.w.Shops {
		watch := s.watched[shop.Name]
		for len(watch.ch) > 0 {
			watch.told = append(watch.told, <-watch.ch)
		}
		if watch.desk != shop.Desk {
			watch.desk = shop.Desk
			watch.ch, _ = shop.Desk.Events.Watch()
		}
	}
}

// sound fails unless the books of each shop follow from its records, whatever the script
// did to it.
func (s *scenario) sound() {
	s.t.Helper()
	for _, shop := range s.w.Shops {
		if _, err := audit.Shop(shop.ID, shop.Mem, protocol.Codec{}, s.judge); err != nil && shop.Name != "thorn" {
			s.t.Errorf("at the end: %s: %v", shop.Name, err)
		}
	}
}

// group runs the commands of one group and returns what they answered.
func (s *scenario) group(td *datadriven.TestData) string {
	list := []command{{td.FullCmd(), td.Cmd, td.CmdArgs}}
	for text := range strings.Lines(td.Input) {
		head, args, err := datadriven.ParseLine(text)
		if err != nil {
			td.Fatalf(s.t, "%v", err)
		}
		list = append(list, command{strings.TrimSpace(text), head, args})
	}
	var out strings.Builder
	for _, c := range list {
		answer, err := s.try(c)
		if err != nil {
			td.Fatalf(s.t, "%s: %v", c.text, err)
		}
		s.observe()
		if answer == "" {
			continue
		}
		out.WriteString(s.named(c.titled(strings.TrimSuffix(answer, "\n"), len(list) > 1)) + "\n")
	}
	if out.Len() == 0 {
		return "ok\n"
	}
	return out.String()
}

// try does one command; an error is the script's fault.
func (s *scenario) try(c command) (answer string, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case nonsense:
			err = errors.New(string(r))
		default:
			panic(r)
		}
	}()
	return s.run(c), nil
}

// run finds a command's verb and does it, under the fate that its messages are to have.
func (s *scenario) run(c command) string {
	shop, ok := s.cast[c.head]
	if !ok {
		do, ok := worldVerbs[c.head]
		if !ok {
			panic(nonsense("there is no such shop or command"))
		}
		return do(s, c)
	}
	verb := c.word(0)
	do, ok := shopVerbs[verb]
	if !ok {
		panic(nonsense("shops do not " + verb))
	}
	c.args = c.args[1:]
	if lose, ok := c.option("lose"); ok {
		s.w.Fate = func(from, to *desktest.Shop) desktest.Fate { return fateOf(lose) }
		defer func() { s.w.Fate = nil }()
	}
	return do(s, shop, c)
}

func (s *scenario) shop(name string) *desktest.Shop {
	shop, ok := s.cast[name]
	if !ok {
		panic(nonsense("there is no shop " + name))
	}
	return shop
}

// id is the reservation or order that a script calls by a name.
func (s *scenario) id(name string) exchange.HoldID {
	id, ok := s.ids[name]
	if !ok {
		panic(nonsense("nothing is called " + name))
	}
	return id
}

// newID gives a name to an id made of it, in the window of the script's day.
func (s *scenario) newID(name string) exchange.HoldID {
	id, ok := s.ids[name]
	if !ok {
		var tail [12]byte
		copy(tail[:], name)
		id = exchange.NewHoldID(windowOf(s.w.Now), tail)
		s.ids[name] = id
	}
	return id
}

// sides tells which of two shops supplies the other: acorn all others, and thorn the rest.
func sides(one, other *desktest.Shop) (supplier, retailer *desktest.Shop) {
	if other.Name == "acorn" || other.Name == "thorn" && one.Name != "acorn" && !strings.HasPrefix(one.Name, "acorn-") {
		return other, one
	}
	return one, other
}

// sideOf is a shop's side of its ledger with another.
func sideOf(shop, partner *desktest.Shop) exchange.Party {
	if supplier, _ := sides(shop, partner); supplier == shop {
		return exchange.Supplier
	}
	return exchange.Retailer
}

var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`) // as exchange.Time writes them

// named puts the script's names in place of ids, and its times in place of dates.
func (s *scenario) named(text string) string {
	for name, id := range s.ids {
		text = strings.ReplaceAll(text, id.String(), name)
	}
	for _, shop := range s.w.Shops {
		text = strings.ReplaceAll(text, "shop "+shop.ID.String(), shop.Name)
		text = strings.ReplaceAll(text, shop.ID.String(), shop.Name)
		text = strings.ReplaceAll(text, shop.ID.Short(), shop.Name)
	}
	return moments.ReplaceAllStringFunc(text, func(m string) string {
		at, err := time.Parse(time.RFC3339, m)
		desktest.Must(s.t, err)
		return s.at(exchange.TimeOf(at))
	})
}

// at tells a time from the script's start.
func (s *scenario) at(t exchange.Time) string {
	text := t.Sub(s.start).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return "+" + text
}

// answer is how a command ends that answers nothing but yes or no.
func answer(err error) string {
	if err == nil {
		return ""
	}
	if code := exchange.CodeOf(err); code == exchange.CodeUnavailable || code == exchange.CodeInternal {
		return fmt.Sprintf("nothing came back, %v: %v", code, err)
	}
	return fmt.Sprintf("refused, %v: %v", exchange.CodeOf(err), err)
}

// books are a shop's, whatever is wrong with them.
func (s *scenario) books(shop *desktest.Shop) *audit.Books {
	b, _ := audit.Shop(shop.ID, shop.Mem, protocol.Codec{}, s.judge)
	if b == nil {
		panic(nonsense("the books of " + shop.Name + " cannot be read"))
	}
	return b
}
