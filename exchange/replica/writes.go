package replica

import (
	"bytes"
	"encoding/binary"

	"github.com/souk-market/souk/exchange/bucket"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
)

// writes collects the rows of some changes to one copy.
type writes struct {
	r      *Replicas
	p      *replica
	g      generation
	index  bool // the copy is live: the search index changes with it
	writes []kv.Write
	rows   map[string]postings // index rows as they will be, by key
	bytes  int                 // of writes and rows, estimated
	noted  bool                // the row of the change log changes
}

func (r *Replicas) newWrites(p *replica, g generation, index bool) *writes {
	return &writes{r: r, p: p, g: g, index: index}
}

// worstItem is the most writes that one change makes: its row, and the index rows of the
// product's words, group, title and price before and after, and three of the change log.
const worstItem = 1 + 2*(catalog.MaxTokens+3) + 3

// stateWrites is room for the rows of all groups, and the five rows of state.
const stateWrites = bucket.Groups + 5

// full reports that another change, beside the rows of prove, might pass the store's limits.
// The rows of prove take up to 160 KB.
func (w *writes) full() bool {
	return w.bytes > w.r.limits.BatchBytes/2 || len(w.writes)+len(w.rows)+worstItem+stateWrites > w.r.limits.BatchWrites
}

func (w *writes) add(write kv.Write) {
	w.bytes += len(write.Key) + len(write.Value) + 16
	w.writes = append(w.writes, write)
}

// item writes one change: a product, or its removal if the record is empty.
func (w *writes) item(it message.FeedItem) error {
	k := itemKey(w.g.Number, it.SKU)
	var before []byte
	if w.index {
		row, ok, err := w.r.store.Get(k)
		if err != nil {
			return err
		}
		if ok && len(row) > 8 {
			before = row[8:]
		}
	}
	if len(it.Record) == 0 {
		w.add(kv.Write{Key: k, Delete: true})
	} else {
		row := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(it.Record)), it.Sequence)
		w.add(kv.Write{Key: k, Value: append(row, it.Record...)})
	}
	if !w.index || bytes.Equal(before, it.Record) {
		return nil
	}
	kind := byte(changePut)
	if len(it.Record) == 0 {
		kind = changeRemoved
	}
	if err := w.changed(it.SKU, kind); err != nil {
		return err
	}
	return w.reindex(it.SKU, before, it.Record)
}
