package p2p

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

func addrs(list ...string) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, s := range list {
		out = append(out, ma.StringCast(s))
	}
	return out
}

// madeHellos are the hellos of the golden vectors.
func madeHellos() map[string][]byte {
	plain := hello{versions: []uint64{1}, incarnation: 7, record: []byte("record"), app: []byte("app")}
	full := plain
	full.seen, full.relays = ma.StringCast("/ip4/77.1.1.1/udp/40001/quic-v1"), true
	full.near = addrs("/ip4/192.168.1.10/tcp/7351", "/ip6/fd00::10/udp/7351/quic-v1")
	return map[string][]byte{"nothing more": plain.append(nil), "all fields": full.append(nil)}
}

// TestEarlierHello: a hello without the fields of the reach protocol is known as one of the version before.
func TestEarlierHello(t *testing.T) {
	hellos := madeHellos()
	full := hello{versions: []uint64{1}, incarnation: 7, seen: ma.StringCast("/ip4/77.1.1.1/tcp/40001")}
	before := binary.BigEndian.AppendUint64([]byte{1, 1}, 7)
	before = appendBytes(before, []byte("record"))
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"of this version": {hellos["all fields"], true}, "with nothing to tell": {hellos["nothing more"], true},
		"without a record": {full.append(nil), true}, "of the version before": {appendBytes(nil, before), false},
	} {
		t.Run(name, func(t *testing.T) {
			if h, err := parseHello(c.b); err != nil || h.reach != c.want {
				t.Errorf("%v, %v", h.reach, err)
			}
		})
	}
}

// madeReach are the messages of the reach protocol, and entries of the address book.
func madeReach() map[string][]byte {
	return map[string][]byte{
		"probe":       appendProbe(nil, addrs("/ip4/77.1.1.1/tcp/7351", "/dns4/shop.example/tcp/7351")),
		"probe reply": appendProbeReply(nil, []probeResult{{reached: true}, {why: "77.1.1.1:7351 (TCP): connection refused"}}),
		"ask relays":  {askRelays},
		"relays":      appendRelays(nil, [][]byte{[]byte("record one"), []byte("record two")}),
		"book entry":  bookEntry{record: []byte("record"), near: addrs("/ip4/192.168.1.10/tcp/7351")}.encode(),
		"own entry":   ownEntry{by: exchange.ShopID{7}, at: time.Unix(1_800_000_000, 0), proven: addrs("/ip4/77.1.1.1/tcp/7351")}.encode(),
		"book record": bookEntry{record: []byte("record")}.encode(),
	}
}

// TestGoldenReach pins the bytes of hellos, of the reach protocol and of the address book. The vectors
// are made by
//
//	go test ./protocol/p2p -run GoldenReach -update
//
// A vector that changes is a change of the wire or of the disk.
func TestGoldenReach(t *testing.T) {
	for file, made := range map[string]map[string][]byte{"hellos.json": madeHellos(), "reach.json": madeReach()} {
		t.Run(file, func(t *testing.T) {
			got := map[string]string{}
			for name, b := range made {
				got[name] = hex.EncodeToString(b)
			}
			path := "testdata/golden/" + file
			if *update {
				b, err := json.MarshalIndent(got, "", "  ")
				if err == nil {
					err = os.WriteFile(path, append(b, '\n'), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var kept map[string]string
			if err := json.Unmarshal(b, &kept); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(kept, got) {
				t.Errorf("%s is not what is made; if the wire is meant to change, run with -update", path)
			}
		})
	}
}

// parseHelloBefore is parseHello as it was before hellos had fields after the record (commit 4204031).
func parseHelloBefore(b []byte) (hello, error) {
	var h hello
	size, n := binary.Uvarint(b)
	if n <= 0 || size > 8<<10+1<<10 || size > uint64(len(b)-n) {
		return h, errFrame
	}
	header := b[n : n+int(size)]
	h.app = b[n+int(size):]
	count, n := binary.Uvarint(header)
	if n <= 0 || count > 16 || len(h.app) > 256<<10 {
		return h, errFrame
	}
	header = header[n:]
	for range count {
		v, n := binary.Uvarint(header)
		if n <= 0 {
			return h, errFrame
		}
		h.versions, header = append(h.versions, v), header[n:]
	}
	if len(header) < 8 {
		return h, errFrame
	}
	h.incarnation, header = binary.BigEndian.Uint64(header), header[8:]
	size, n = binary.Uvarint(header)
	if n <= 0 || size > 8<<10 || size > uint64(len(header)-n) || h.incarnation == 0 {
		return h, errFrame
	}
	h.record = header[n : n+int(size)]
	return h, nil
}

// TestVersionBeforeReadsHellos: the version before reads our hellos, however much they say, and we read
// those that end with the record.
func TestVersionBeforeReadsHellos(t *testing.T) {
	long := hello{versions: []uint64{1}, incarnation: 7, record: bytes.Repeat([]byte{1}, MaxRecord), app: []byte("app")}
	for range maxNear {
		long.near = append(long.near, ma.StringCast("/dns4/"+string(bytes.Repeat([]byte{'a'}, 200))+"/tcp/7351"))
	}
	all := madeHellos()
	all["more than a header holds"] = long.append(nil)
	for name, b := range all {
		t.Run(name, func(t *testing.T) {
			h, err := parseHelloBefore(b)
			if err != nil || h.incarnation != 7 || string(h.app) != "app" {
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
	before := binary.BigEndian.AppendUint64([]byte{1, 1}, 7)
	before = appendBytes(before, []byte("record"))
	h, err := parseHello(append(appendBytes(nil, before), "app"...))
	if err != nil || string(h.record) != "record" || string(h.app) != "app" || h.seen != nil || h.relays || h.near != nil {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestParseReach(t *testing.T) {
	asked := addrs("/ip4/77.1.1.1/tcp/7351", "/dns4/shop.example/tcp/7351")
	if got, err := parseProbe(madeReach()["probe"][1:]); err != nil || !reflect.DeepEqual(got, asked) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := parseProbeReply(madeReach()["probe reply"]); err != nil || len(got) != 2 || !got[0].reached || got[1].why == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := parseRelays(madeReach()["relays"]); err != nil || len(got) != 2 || string(got[1]) != "record two" {
		t.Errorf("%q, %v", got, err)
	}
	if e, err := parseBookEntry(madeReach()["book entry"]); err != nil || string(e.record) != "record" || len(e.near) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := parseOwnEntry(madeReach()["own entry"]); err != nil || e.by != (exchange.ShopID{7}) || e.at.Unix() != 1_800_000_000 || len(e.proven) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	many := make([]ma.Multiaddr, maxProbeAddrs+1)
	for i := range many {
		many[i] = asked[0]
	}
	if _, err := parseProbe(appendProbe(nil, many)[1:]); err == nil {
		t.Errorf("%d addresses in one probe", len(many))
	}
	unknown := appendBytes(appendBytes([]byte{2}, asked[0].Bytes()), []byte{0xff, 0xff, 0x7f, 1})
	if got, err := parseProbe(unknown); err != nil || len(got) != 1 {
		t.Errorf("an address of a later libp2p: %v, %v", got, err)
	}
}

// FuzzReach: whatever a member sends, parsing ends, holds its bounds, and what it yields parses again.
func FuzzReach(f *testing.F) {
	for _, b := range madeReach() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := parseProbe(b); err == nil {
			if again, err := parseProbe(appendProbe(nil, list)[1:]); err != nil || len(again) != len(list) || len(list) > maxProbeAddrs {
				t.Fatalf("%v came back as %v, %v", list, again, err)
			}
		}
		if results, err := parseProbeReply(b); err == nil && len(results) > maxProbeAddrs {
			t.Fatalf("%d results", len(results))
		}
		if records, err := parseRelays(b); err == nil && len(records) > maxToldRelays {
			t.Fatalf("%d records", len(records))
		}
		if e, err := parseOwnEntry(b); err == nil && len(e.proven) > maxProbeAddrs {
			t.Fatalf("%+v", e)
		}
		if e, err := parseBookEntry(b); err == nil && len(e.near) > maxNear {
			t.Fatalf("%+v", e)
		}
	})
}
