package p2p_test

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/protocol/p2p"
)

const newsTopic = "/souk/" + federation + "/news"

// TestFault21Flood: a member floods its neighbours with gossip, correct or not. Each kind of flood
// ends in a quota or in silence, and others' messages arrive as fast as before.
func TestFault21Flood(t *testing.T) {
	for name, flood := range map[string]func(f *flooder){
		"10,000 messages a second": func(f *flooder) {
			seconds := 2
			if testing.Short() {
				seconds = 1
			}
			for range 10 * seconds {
				var rpc pb.RPC
				for range 1000 {
					rpc.Publish = append(rpc.Publish, f.message([]byte("spam")))
				}
				f.send(&rpc)
				time.Sleep(100 * time.Millisecond)
			}
		},
		"bad signatures": func(f *flooder) {
			m := f.message([]byte("spam"))
			for range 300 {
				var rpc pb.RPC
				for range 100 {
					forged := proto.CloneOf(m)
					f.number(forged)
					rpc.Publish = append(rpc.Publish, forged)
				}
				f.send(&rpc)
				time.Sleep(10 * time.Millisecond)
			}
		},
		"1 MiB messages": func(f *flooder) {
			for _, size := range []int{p2p.MaxTopicMessage + 1, 1<<20 - 512, 1 << 20, 2 << 20} {
				m := f.message(make([]byte, size))
				for range 5 {
					f.send(&pb.RPC{Publish: []*pb.Message{m}})
					time.Sleep(100 * time.Millisecond)
				}
			}
		},
		"future sequences": func(f *flooder) {
			for _, seq := range []uint64{math.MaxUint64, math.MaxUint64 - 1, 1 << 63, math.MaxInt64} {
				f.seq = seq
				f.send(&pb.RPC{Publish: []*pb.Message{f.message([]byte("spam"))}})
			}
			time.Sleep(3 * time.Second)
		},
		"absurd back-offs and lists": func(f *flooder) {
			for _, backoff := range []uint64{1, math.MaxUint32, 1 << 62, 1 << 63, math.MaxUint64} {
				rpc := pb.RPC{Control: &pb.ControlMessage{
					Prune: []*pb.ControlPrune{{TopicID: proto.String(newsTopic), Backoff: &backoff}},
				}}
				for i := range 2000 {
					id := strconv.Itoa(i)
					rpc.Control.Graft = append(rpc.Control.Graft, &pb.ControlGraft{TopicID: proto.String(newsTopic + id)})
					rpc.Control.Iwant = append(rpc.Control.Iwant, &pb.ControlIWant{MessageIDs: []string{id}})
					rpc.Control.Idontwant = append(rpc.Control.Idontwant, &pb.ControlIDontWant{MessageIDs: []string{id}})
					rpc.Control.Ihave = append(rpc.Control.Ihave, &pb.ControlIHave{TopicID: proto.String(newsTopic), MessageIDs: []string{id}})
				}
				f.send(&rpc)
				time.Sleep(600 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, 4, func(t *testing.T, w *town) {
				reg := prometheus.NewRegistry()
				hub := w.start(0, func(c *p2p.Config) { c.Registerer = reg }, nil)
				w.start(2, nil, nil)
				w.start(3, nil, nil)
				press := newPress(t, w, 2, 3)
				before := press.latencies()
				f := newFlooder(t, w, hub)
				defer f.host.Close()
				done := make(chan struct{})
				go func() { defer close(done); flood(f) }()
				during := press.latencies()
				<-done
				t.Logf("p99 %v before, %v during the flood; of the flooder %d messages are heard", p99(before), p99(during), press.spam.Load())
				if p99(during) > 2*p99(before) {
					t.Error("others' messages take more than twice as long")
				}
				if n := press.spam.Load(); n > 3_000 { // its burst, and its rate for 20 s
					t.Errorf("%d messages of the flooder were heard", n)
				}
				if n := gossiped(t, reg, "rejected: invalid signature"); n > 100 {
					t.Errorf("the hub checked %v bad signatures", n)
				}
				w.mustEcho(2, 3)
				w.mustEcho(3, 0)
			})
		})
	}
}

// press is a shop that publishes news, a reader, and a hub between them.
type press struct {
	t      *testing.T
	out    *p2p.Topic
	heard  chan uint32 // numbers of the publisher's messages
	spam   atomic.Int64
	number uint32
}

func newPress(t *testing.T, w *town, publisher, reader int) *press {
	pr := &press{t: t, heard: make(chan uint32, 100)}
	var in *p2p.Topic
	for i, n := range w.nodes {
		if n == nil {
			continue
		}
		topic, err := n.Topic("news", p2p.TopicOptions{})
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case publisher:
			pr.out = topic
		case reader:
			in = topic
		}
	}
	go func() {
		for {
			m, err := in.Next(context.Background())
			if err != nil { // the node closed
				return
			}
			if m.From == w.ids[publisher] {
				pr.heard <- binary.BigEndian.Uint32(m.Data)
			} else {
				pr.spam.Add(1)
			}
		}
	}()
	time.Sleep(5 * time.Second)
	return pr
}

// latencies publishes ten messages a second for three seconds and returns how long each travelled.
func (pr *press) latencies() []time.Duration {
	var list []time.Duration
	for range 30 {
		pr.number++
		begun := time.Now()
		if err := pr.out.Publish(context.Background(), binary.BigEndian.AppendUint32(nil, pr.number)); err != nil {
			pr.t.Fatal(err)
		}
		select {
		case n := <-pr.heard:
			if n != pr.number {
				pr.t.Fatalf("message %d is heard after %d", n, pr.number)
			}
		case <-time.After(10 * time.Second):
			pr.t.Fatalf("message %d is not heard", pr.number)
		}
		list = append(list, time.Since(begun))
		time.Sleep(100*time.Millisecond - time.Since(begun)%(100*time.Millisecond))
	}
	return list
}

// gossiped is how many messages a node's metrics count under an event.
func gossiped(t *testing.T, reg *prometheus.Registry, event string) float64 {
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "souk_p2p_gossip_total" && m.GetLabel()[0].GetValue() == event {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// p99 sorts list.
func p99(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[(len(list)-1)*99/100]
}

// flooder is a member, shop 1, that speaks gossip without any of its manners.
type flooder struct {
	t      *testing.T
	w      *town
	hub    *p2p.Node
	host   host.Host
	key    crypto.PrivKey
	stream network.Stream
	seq    uint64
}

func newFlooder(t *testing.T, w *town, hub *p2p.Node) *flooder {
	key, err := crypto.UnmarshalEd25519PrivateKey(w.keys[1])
	if err != nil {
		t.Fatal(err)
	}
	f := &flooder{t: t, w: w, hub: hub, host: handMadeMember(t, w, hub), key: key}
	on := true
	f.send(&pb.RPC{
		Subscriptions: []*pb.RPC_SubOpts{{Subscribe: &on, Topicid: proto.String(newsTopic)}},
		Control:       &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: proto.String(newsTopic)}}},
	})
	return f
}

// send writes an RPC; a stream that the hub reset is opened again.
func (f *flooder) send(rpc *pb.RPC) {
	for range 2 {
		if f.stream == nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			s, err := f.host.NewStream(ctx, infoOf(f.t, f.hub).ID, "/souk/"+federation+"/meshsub/1.2.0")
			cancel()
			if err != nil {
				return
			}
			f.stream = s
		}
		_ = f.stream.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if _, err := protodelim.MarshalTo(f.stream, rpc); err == nil {
			return
		}
		_ = f.stream.Reset()
		f.stream = nil
	}
}

// number gives a message the next sequence number.
func (f *flooder) number(m *pb.Message) {
	f.seq++
	m.Seqno = binary.BigEndian.AppendUint64(nil, f.seq)
}

// message is one by the flooder itself, signed as gossip wants it.
func (f *flooder) message(data []byte) *pb.Message {
	m := &pb.Message{From: []byte(f.host.ID()), Data: data, Topic: proto.String(newsTopic)}
	f.number(m)
	raw, err := proto.Marshal(m)
	if err == nil {
		m.Signature, err = f.key.Sign(append([]byte("libp2p-pubsub:"), raw...))
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}
