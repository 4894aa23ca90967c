package event

import (
	"bytes"
	"context"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

const (
	// prunesPerStep is how many rows one commit deletes at most.
	prunesPerStep = 200
	// prunePause is how often events that have become too old are looked for.
	prunePause = time.Hour
)

// Run deletes old events until ctx ends.
func (l *Log) Run(ctx context.Context) {
	tick := time.NewTicker(prunePause)
	defer tick.Stop()
	for {
		for more := true; more; {
			var err error
			if more, err = l.Prune(ctx); err != nil {
				if ctx.Err() == nil {
					l.cfg.Logger.Warn("pruning the event log", "err", err)
				}
				break
			}
		}
		select {
		case <-tick.C:
		case <-l.crowded.C():
		case <-ctx.Done():
			return
		}
	}
}

// Prune deletes some of the events that are older than Kept or more than MaxKept, and reports
// whether there may be more.
func (l *Log) Prune(ctx context.Context) (more bool, err error) {
	keys, _, err := l.due(l.cfg.Clock.Now())
	if err != nil || len(keys) == 0 {
		return false, err // without a commit
	}
	err = l.writer.Do(ctx, func(b *writer.Batch) error {
		keys, upTo, err := l.due(b.Now())
		if err != nil || len(keys) == 0 {
			return err
		}
		more = len(keys) >= prunesPerStep
		for _, k := range keys {
			b.Delete(k)
		}
		l.prune.Set(b, struct{}{}, pruned{upTo})
		return nil
	})
	return more, err
}

// due is the keys of the oldest rows, at most prunesPerStep, that may be deleted at the time now,
// and the last event in them. A row that is damaged goes with the row after it.
func (l *Log) due(now exchange.Time) (keys [][]byte, upTo ID, err error) {
	x := l.extent.Load()
	last, most := x.last.Number, l.maxKept
	if last-x.upTo.Number > most { // not each commit is to need another one that prunes
		most -= most / 64
	}
	var damaged [][]byte
	for stored, err := range kv.Rows(l.cfg.Store, kv.Prefix([]byte(record.PrefixEvents))) {
		if err != nil {
			return nil, ID{}, err
		}
		key := bytes.Clone(stored.Key)
		row, err := l.parseRow(stored.Key, stored.Value)
		if err != nil {
			damaged = append(damaged, key)
			continue
		}
		if row.at > now.Add(-Kept) && last-row.first < most {
			break
		}
		keys, upTo = append(append(keys, damaged...), key), ID{row.at, row.end()}
		if damaged = nil; len(keys) >= prunesPerStep {
			break
		}
	}
	return keys, upTo, nil
}
