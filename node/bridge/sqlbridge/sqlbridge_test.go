//go:build unix

package sqlbridge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/bridgetest"
	"github.com/souk-market/souk/node/bridge/conformance"
)

var (
	plain  = Tables{Stock: `shop.My "Stock"`, SKU: "sku code", Free: `Free'"units`, Asks: "shop.souk_ask", Changes: "shop.souk_change"}
	pooled = Tables{Stock: "shop.stock", SKU: "id", Variants: "shop.Variants", VariantStock: "stock id", Asks: "shop.asked", Changes: "shop.changed"}
	skus   = [2]exchange.SKU{"LAMP-1", "Tasse „Blau“"}
	pool   = [2]exchange.SKU{"SHIRT-S", "SHIRT-M"}
)

// fill puts products into a shop, none in stock: more than a page.
func (s *shop) fill() {
	n := s.names
	if n.variants == "" {
		s.exec(`INSERT INTO `+n.stock+` SELECT $1, 0 UNION SELECT $2, 0 UNION SELECT 'M-' || i, i FROM generate_series(1, 230) i`, string(skus[0]), string(skus[1]))
		return
	}
	s.exec(`INSERT INTO ` + n.stock + ` SELECT i, 0 FROM generate_series(1, 240) i`)
	s.exec(`INSERT INTO `+n.variants+` VALUES ($1, 9), ($2, 11), ($3, 100), ($4, 100)`, string(skus[0]), string(skus[1]), string(pool[0]), string(pool[1]))
	s.exec(`INSERT INTO ` + n.variants + ` SELECT 'M-' || i, i FROM generate_series(120, 240) i`)
}

// where is the condition for a product's row of stock: $1 is its SKU.
func (s *shop) where() string {
	n := s.names
	if n.variants == "" {
		return n.key + ` = $1`
	}
	return n.key + ` = (SELECT ` + n.variantStock + ` FROM ` + n.variants + ` WHERE ` + n.variantSKU + ` = $1)`
}

// target is the shop as the suite tries it.
func (s *shop) target() conformance.Target {
	n, b := s.names, s.system()
	target := conformance.Target{
		Bridge: b, SKUs: skus,
		Stock: func(ctx context.Context, sku exchange.SKU, units int64) error {
			_, err := s.pool.Exec(ctx, `UPDATE `+n.stock+` SET `+n.free+` = $2 WHERE `+s.where(), string(sku), units)
			return err
		},
		Sell: func(ctx context.Context, sku exchange.SKU, units int64) (bool, error) {
			done, err := s.pool.Exec(ctx, `UPDATE `+n.stock+` SET `+n.free+` = `+n.free+` - $2 WHERE `+s.where()+` AND `+n.free+` >= $2`, string(sku), units)
			return done.RowsAffected() == 1, err
		},
		Ahead: func(d time.Duration) { // every time that the database keeps is so much longer ago
			s.exec(`UPDATE `+n.asks+` SET made = made - $1::interval, changed = changed - $1::interval, expires = expires - $1::interval`, d)
		},
		Restart: func(ctx context.Context) error {
			s.stop()
			if err := s.start(); err != nil {
				return err
			}
			s.pool.Reset()
			b.pool.Reset()
			return nil
		},
		Dying: func(step int) bridge.Bridge { return s.dying(&killer{step: int64(step), kill: s.terminate}) },
	}
	if n.variants != "" {
		target.Pool = pool
	}
	return target
}

// TestConformance: the suite passes, with a plain table and with variants that sell from pools.
func TestConformance(t *testing.T) {
	for name, tables := range map[string]Tables{"plain": plain, "pooled": pooled} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, tables)
			s.fill()
			bridgetest.Run(t, s.target())
		})
	}
}

// killer kills its session, or its process, before a statement.
type killer struct {
	step int64
	kill func(*pgx.Conn)
	seen atomic.Int64
}

func (k *killer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if k.seen.Add(1)-1 == k.step {
		k.kill(conn)
	}
	return ctx
}

func (k *killer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// terminate ends a session in the server, and waits until it is gone.
func (s *shop) terminate(conn *pgx.Conn) {
	s.exec(`SELECT pg_terminate_backend($1, 60000)`, int32(conn.PgConn().PID()))
}

// dying is the system with a killer.
func (s *shop) dying(k *killer) *System {
	s.t.Helper()
	b, err := openDying(s.t.Context(), s.url("souk", s.database), s.names, k)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(b.Close)
	return b
}

func openDying(ctx context.Context, url string, n names, k *killer) (*System, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.Tracer = k
	return open(ctx, config, n)
}

// What the process that dies is told.
const (
	dieURL  = "SOUK_TEST_DIE_URL"
	dieStep = "SOUK_TEST_DIE_STEP"
	dieID   = "SOUK_TEST_DIE_ID"
)

// dying is this test's binary as a process that holds, commits or releases and is killed before a
// statement. It reports whether this process is one.
func dying() bool {
	url := os.Getenv(dieURL)
	if url == "" {
		return false
	}
	step, err := strconv.Atoi(os.Getenv(dieStep))
	if err != nil {
		panic(err)
	}
	id, err := exchange.ParseHoldID(os.Getenv(dieID))
	if err != nil {
		panic(err)
	}
	n, err := plain.names()
	if err != nil {
		panic(err)
	}
	b, err := openDying(context.Background(), url, n, &killer{step: int64(step), kill: func(*pgx.Conn) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}})
	if err != nil {
		panic(err)
	}
	if err := holdCommitRelease(context.Background(), b, id); err != nil {
		panic(err)
	}
	return true
}

// holdCommitRelease takes an ask through its life.
func holdCommitRelease(ctx context.Context, b bridge.Bridge, id exchange.HoldID) error {
	lines := []bridge.Line{{SKU: skus[0], Units: 2}, {SKU: skus[1], Units: 1}}
	a, err := b.Hold(ctx, []bridge.Ask{{ID: id, Lines: lines, Expires: 1}})
	if err == nil {
		a, err = b.Commit(ctx, []bridge.Ref{{ID: id}})
	}
	if err == nil && a[0].OK {
		_, err = b.Release(ctx, []bridge.Part{{ID: id, Seq: 1, Lines: lines[:1]}})
	}
	return err
}

// TestProcessKilled: the process of the node is killed before each statement of a hold, its commit
// and the return of a part; the same calls again end as they would have.
func TestProcessKilled(t *testing.T) {
	s := newShop(t, plain)
	s.fill()
	b := s.system()
	for step := 0; ; step++ {
		if step > 50 {
			t.Fatal("the process is killed again and again")
		}
		s.exec(`UPDATE ` + s.names.stock + ` SET ` + s.names.free + ` = 5`)
		id := exchange.NewHoldID(1, [12]byte{11: byte(step)})
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), dieURL+"="+s.url("souk", s.database), dieStep+"="+strconv.Itoa(step), dieID+"="+id.String())
		out, err := cmd.CombinedOutput()
		var ended *exec.ExitError
		if err != nil && (!errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := holdCommitRelease(t.Context(), b, id); err != nil {
			t.Fatalf("after step %d: %v", step, err)
		}
		if first, second := s.free(skus[0]), s.free(skus[1]); first != 5 || second != 4 {
			t.Fatalf("after a process that was killed before step %d: %d and %d units are free, not 5 and 4", step, first, second)
		}
		if err == nil {
			if step < 12 {
				t.Errorf("there were only %d steps", step)
			}
			break
		}
	}
}

func (s *shop) free(sku exchange.SKU) (units int64) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), `SELECT `+s.names.free+` FROM `+s.names.stock+` WHERE `+s.where(), string(sku)).Scan(&units); err != nil {
		s.t.Fatal(err)
	}
	return units
}

// TestBusy: a row that somebody else keeps locked is busy, and nothing is done; when it is free
// again the same call is answered.
func TestBusy(t *testing.T) {
	s := newShop(t, plain)
	s.fill()
	s.exec(`UPDATE ` + s.names.stock + ` SET ` + s.names.free + ` = 5`)
	b := s.system()
	lock, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), `SELECT FROM `+s.names.stock+` WHERE `+s.where()+` FOR UPDATE`, string(skus[0])); err != nil {
		t.Fatal(err)
	}
	asks := []bridge.Ask{
		{ID: exchange.HoldID{15: 1}, Lines: []bridge.Line{{SKU: skus[0], Units: 1}}},
		{ID: exchange.HoldID{15: 2}, Lines: []bridge.Line{{SKU: skus[1], Units: 1}}},
	}
	answers, err := b.Hold(t.Context(), asks)
	if err != nil || answers[0].Problem != bridge.Busy || !answers[1].OK {
		t.Errorf("%+v, %v", answers, err)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answers, err = b.Hold(t.Context(), asks); err != nil || !answers[0].OK || !answers[1].OK {
		t.Errorf("when the row is free again: %+v, %v", answers, err)
	}
}

// TestDurable: an answer is durable whatever the database's default is.
func TestDurable(t *testing.T) {
	s := newShop(t, plain)
	s.exec(`ALTER DATABASE ` + s.database + ` SET synchronous_commit = off`)
	var mode, lock string
	if err := s.system().pool.QueryRow(t.Context(), `SELECT current_setting('synchronous_commit'), current_setting('lock_timeout')`).Scan(&mode, &lock); err != nil || mode != "on" || lock != "1s" {
		t.Errorf("synchronous_commit is %s, lock_timeout %s, %v", mode, lock, err)
	}
}

// TestSetup: what a shop has to mend is told as that; what passes is not.
func TestSetup(t *testing.T) {
	s := newShop(t, plain)
	s.fill()
	ask := []bridge.Ask{{ID: exchange.HoldID{15: 1}, Lines: []bridge.Line{{SKU: skus[0], Units: 1}}}}
	for name, c := range map[string]struct {
		url    string
		tables func(*Tables)
		setup  bool
	}{
		"no such table":    {s.url("souk", s.database), func(t *Tables) { t.Stock = "shop.nothing" }, true},
		"no such column":   {s.url("souk", s.database), func(t *Tables) { t.Free = "nothing" }, true},
		"no such schema":   {s.url("souk", s.database), func(t *Tables) { t.Asks = "nothing.souk_ask" }, true},
		"no such role":     {s.url("nobody-of-that-name", s.database), nil, true},
		"no such database": {s.url("souk", "nothing"), nil, true},
		"nobody listens":   {"postgres://souk@/shop?host=" + t.TempDir(), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			tables := plain
			if c.tables != nil {
				c.tables(&tables)
			}
			b, err := Open(t.Context(), c.url, tables)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if _, err := b.Hold(t.Context(), ask); err == nil || errors.Is(err, bridge.ErrSetup) != c.setup {
				t.Errorf("%v", err)
			}
		})
	}
	for name, tables := range map[string]Tables{
		"a catalog": {Stock: "a.b.c"}, "an empty schema": {Asks: ".souk_ask"}, "a NUL": {Free: "a\x00"}, "too long": {SKU: strings.Repeat("a", 64)},
	} {
		if _, err := Open(t.Context(), s.url("souk", s.database), tables); !errors.Is(err, bridge.ErrSetup) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(t.Context(), "postgres://souk:hunter2@host:port/", plain); !errors.Is(err, bridge.ErrSetup) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a bad URL: %v", err)
	}
}

// TestOtherCluster: a cursor of another cluster, of another timeline, or from a future that a
// restored copy does not have is a gap.
func TestOtherCluster(t *testing.T) {
	s := newShop(t, plain)
	s.fill()
	b := s.system()
	page, err := b.Changes(t.Context(), "")
	if err != nil || !page.More {
		t.Fatalf("%+v, %v", page, err)
	}
	good, ok := parseCursor(page.Next)
	if !ok {
		t.Fatal(page.Next)
	}
	for name, change := range map[string]func(*cursor){
		"cluster": func(c *cursor) { c.epoch = "1-1" }, "timeline": func(c *cursor) { c.epoch += "1" },
		"from the future": func(c *cursor) { c.from = 1 << 60 }, "until the future": func(c *cursor) { c.next = 1 << 60 },
	} {
		c := good
		change(&c)
		if page, err := b.Changes(t.Context(), c.String()); err != nil || !page.Gap {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	longest := cursor{"18446744073709551615-4294967295", 1<<64 - 1, 1<<64 - 1, strings.Repeat("a", exchange.MaxSKU)}
	if n := len(longest.String()); n > bridge.MaxCursor {
		t.Errorf("a cursor may have %d characters", n)
	}
}

// TestLateCommit: a change by a transaction that began before a reading and ended after it is told
// by the next one, though later transactions were told already.
func TestLateCommit(t *testing.T) {
	s := newShop(t, plain)
	s.fill()
	b := s.system()
	late, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(t.Context(), `UPDATE `+s.names.stock+` SET `+s.names.free+` = 77 WHERE `+s.where(), string(skus[0])); err != nil {
		t.Fatal(err)
	}
	s.exec(`UPDATE `+s.names.stock+` SET `+s.names.free+` = 88 WHERE `+s.where(), string(skus[1]))
	_, next := readAll(t, b, "")
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	told, next := readAll(t, b, next)
	if told[skus[0]] != 77 {
		t.Errorf("the late change is not told: %v", told)
	}
	s.exec(`DELETE FROM `+s.names.stock+` WHERE `+s.where(), string(skus[1]))
	told, _ = readAll(t, b, next)
	if free, ok := told[skus[1]]; !ok || free != 0 || len(told) != 1 {
		t.Errorf("a product that is gone is told as %v", told)
	}
}

func readAll(t *testing.T, b *System, since string) (map[exchange.SKU]int64, string) {
	t.Helper()
	told := make(map[exchange.SKU]int64)
	for {
		p, err := b.Changes(t.Context(), since)
		if err != nil || p.Gap {
			t.Fatalf("%+v, %v", p, err)
		}
		for _, c := range p.Changes {
			told[c.SKU] = c.Free
		}
		if since = p.Next; !p.More {
			return told, since
		}
	}
}

// TestOpenPages: more open asks than one answer has.
func TestOpenPages(t *testing.T) {
	s := newShop(t, plain)
	s.fill()
	s.exec(`UPDATE ` + s.names.stock + ` SET ` + s.names.free + ` = 500`)
	b := s.system()
	for call := range 3 {
		var asks []bridge.Ask
		for i := range 80 {
			asks = append(asks, bridge.Ask{ID: exchange.HoldID{14: byte(call), 15: byte(i + 1)}, Lines: []bridge.Line{{SKU: skus[0], Units: 1}}})
		}
		for len(asks) > 0 { // a slow machine is busy at times
			answers, err := b.Hold(t.Context(), asks)
			if err != nil {
				t.Fatal(err)
			}
			var again []bridge.Ask
			for i, a := range answers {
				if a.Problem == bridge.Busy {
					again = append(again, asks[i])
				} else if !a.OK {
					t.Fatalf("%+v", a)
				}
			}
			asks = again
		}
	}
	var after exchange.HoldID
	read := 0
	for {
		list, err := b.Open(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		read, after = read+len(list), list[len(list)-1].ID
	}
	if read != 240 {
		t.Errorf("%d of 240 open asks", read)
	}
	if _, err := b.Hold(t.Context(), make([]bridge.Ask, bridge.MaxBatch+1)); err == nil {
		t.Error(fmt.Sprint("more than ", bridge.MaxBatch, " asks were taken"))
	}
}
