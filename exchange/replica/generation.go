package replica

import (
	"encoding/binary"

	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
)

// generation is where one copy of a feed stands.
type generation struct {
	Number uint32 // 0 = there is none
	Epoch  uint64
	At     uint64 // changes up to it are applied
	// Fresh: no bucket digest and no search token is written yet.
	Fresh bool
	// Dirty marks the buckets whose stored digests are out of date.
	Dirty [catalog.Buckets / 8]byte
}

const generationBytes = 4 + 8 + 8 + 1 + catalog.Buckets/8

func (g *generation) mark(bucket uint32) { g.Dirty[bucket/8] |= 1 << (bucket % 8) }

func (g *generation) marked(bucket uint32) bool { return g.Dirty[bucket/8]&(1<<(bucket%8)) != 0 }

func (g *generation) position() catalog.Position {
	return catalog.Position{Epoch: g.Epoch, Sequence: g.At}
}

func (g *generation) markedBuckets() []uint32 {
	var list []uint32
	for b := range uint32(catalog.Buckets) {
		if g.Fresh || g.marked(b) {
			list = append(list, b)
		}
	}
	return list
}

func (g *generation) append(row []byte) []byte {
	row = binary.BigEndian.AppendUint32(row, g.Number)
	row = binary.BigEndian.AppendUint64(row, g.Epoch)
	row = binary.BigEndian.AppendUint64(row, g.At)
	fresh := byte(0)
	if g.Fresh {
		fresh = 1
	}
	return append(append(row, fresh), g.Dirty[:]...)
}

func parseGeneration(row []byte) (g generation) {
	g.Number = binary.BigEndian.Uint32(row)
	g.Epoch = binary.BigEndian.Uint64(row[4:])
	g.At = binary.BigEndian.Uint64(row[12:])
	g.Fresh = row[20] == 1
	copy(g.Dirty[:], row[21:])
	return g
}

// startGeneration begins a copy beside the live copy, and gives up an unfinished copy there.
func (r *Replicas) startGeneration(p *replica, epoch uint64) error {
	r.numbering.Lock()
	defer r.numbering.Unlock()
	g := generation{Number: r.next, Epoch: epoch, Fresh: true}
	meta, err := r.metaWrite(p.meta)
	if err != nil {
		return err
	}
	writes := []kv.Write{
		{Key: keyNextGeneration, Value: binary.BigEndian.AppendUint32(nil, g.Number+1)},
		meta, p.workWrite(p.live, g),
	}
	if p.pulling.Number != 0 {
		writes = append(writes, kv.Write{Key: generationKey(prefixGone, p.pulling.Number)})
	}
	if err := r.commit(writes); err != nil {
		return err
	}
	r.next++
	p.pulling = g
	return nil
}
