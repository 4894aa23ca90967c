package netlab

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var idleFlag = flag.Duration("netlab.idle", time.Minute, "`time` for which BenchmarkIdle watches")

// settleFlag is the time in which shops that have met try all ways to each other. Direct is tried again for
// hours, ever more rarely: after 40 s, 100 s, 4, 9, 19 minutes. A minute with a try in it says nothing of a
// day, so that the time is from one try to the next.
var settleFlag = flag.Duration("netlab.settle", 4*time.Minute+30*time.Second, "`time` that BenchmarkIdle lets pass before it watches")

// BenchmarkIdle measures what a relayed partnership costs while nothing is traded: the two
// shops, which stand behind hard NATs, the hub that relays for them, and a member of the
// public internet, first beside the hub and then, the hub being dead, in its place; and at
// last what one order costs the member that carries it.
//
//	go test ./testnet/netlab -run '^$' -bench Idle -benchtime 1x
func BenchmarkIdle(b *testing.B) {
	for range b.N {
		m := newMarket(b)
		p, err := m.openHard(at(m.lab.Host("c", m.lab.Internet(), IPv4)))
		if err != nil {
			b.Fatal(err)
		}
		member := m.shops[2]
		m.pass(*settleFlag)
		watched := m.watch(m.hub, p.retailer, p.supplier, member)
		watched[0].report(b, "hub-relays")
		watched[1].report(b, "shop")
		watched[3].report(b, "member")

		m.hub.stop(syscall.SIGKILL)
		if err := m.trades(p, time.Now()); err != nil {
			b.Logf("without the hub: %v", err)
			return
		}
		m.pass(*settleFlag)
		watched = m.watch(p.retailer, member)
		watched[0].report(b, "shop-no-hub")
		watched[1].report(b, "member-relays")

		const orders = 20
		before := member.usage(b)
		ctx, cancel := m.within(patience)
		defer cancel()
		for range orders {
			if err := m.buy(ctx, p.retailer, p.supplier); err != nil {
				b.Fatal(err)
			}
		}
		cost := member.usage(b).since(before)
		b.ReportMetric(float64(cost.bytes)/orders, "member-relays-B/order")
		b.ReportMetric(cost.cpu.Seconds()*1000/orders, "member-relays-ms/order")
		b.ReportMetric(0, "ns/op") // the time was chosen
	}
}

// BenchmarkDeadPartner measures what a partner costs that is off for good: its machine has a public
// address, from which nothing comes. A shop that is nobody's partner stands beside, which pays for all
// but that.
//
//	go test ./testnet/netlab -run '^$' -bench DeadPartner -benchtime 1x
func BenchmarkDeadPartner(b *testing.B) {
	for range b.N {
		m := newMarket(b)
		a, router := m.behind("a", Rules{NAT: EasyNAT})
		c, others := m.behind("c", Rules{NAT: EasyNAT})
		p, err := m.open(m.hubHost(), at(a), at(m.lab.Host("b", m.lab.Internet(), IPv4)), at(c))
		if err != nil {
			b.Fatal(err)
		}
		p.supplier.stop(syscall.SIGKILL)
		gone := Rules{NAT: EasyNAT, Drop: []string{"ip daddr " + p.supplier.Addr().String()}}
		router.Set(gone)
		others.Set(gone)
		m.pass(*settleFlag)
		watched := m.watch(p.retailer, m.shops[2])
		watched[0].report(b, "partner")
		watched[1].report(b, "other")
		b.ReportMetric(0, "ns/op") // the time was chosen
	}
}

// usage is what a process has used.
type usage struct {
	at    time.Time
	bytes uint64 // received and sent by its host
	cpu   time.Duration
}

func (u usage) since(before usage) usage {
	return usage{u.at, u.bytes - before.bytes, u.cpu - before.cpu}
}

// usage reads what a hub or shop has used so far.
func (s *souk) usage(t testing.TB) usage {
	t.Helper()
	received, sent, err := s.Traffic()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.process.Pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	cpu, err := cpuTime(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return usage{time.Now(), received + sent, cpu}
}

// cpuTime is the time of user and system in a line of /proc/PID/stat; see proc(5).
func cpuTime(stat string) (time.Duration, error) {
	const tick = time.Second / 100 // sysconf(_SC_CLK_TCK), the same on all of Linux
	_, rest, ok := strings.Cut(stat, ") ")
	fields := strings.Fields(rest)
	const user, system = 11, 12 // fields 14 and 15 of the line, which begins with two before rest
	if !ok || len(fields) <= system {
		return 0, fmt.Errorf("not a stat: %q", stat)
	}
	var sum time.Duration
	for _, f := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// idle is what a process used over a time in which nobody asked anything of it.
type idle struct {
	usage
	span time.Duration
}

// watch lets the market be idle, and returns what each process used.
func (m *market) watch(processes ...*souk) []idle {
	m.t.Helper()
	before := make([]usage, len(processes))
	for i, s := range processes {
		before[i] = s.usage(m.t)
	}
	m.pass(*idleFlag)
	used := make([]idle, len(processes))
	for i, s := range processes {
		after := s.usage(m.t)
		used[i] = idle{after.since(before[i]), after.at.Sub(before[i].at)}
	}
	return used
}

func (i idle) report(b *testing.B, who string) {
	const day = 24 * time.Hour
	b.ReportMetric(float64(i.bytes)*float64(day)/float64(i.span)/1e6, who+"-MB/day")
	b.ReportMetric(100*float64(i.cpu)/float64(i.span), who+"-CPU-%")
}
