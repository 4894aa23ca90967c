package sqlbridge

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// openPage is how many open asks are read at once.
const openPage = 100

// cursor is where a reading of changes stands.
type cursor struct {
	epoch string // the cluster and its timeline
	from  uint64 // changes by this transaction and later ones are read
	next  uint64 // from, of the next reading; 0 = none is under way
	after string // of the reading under way: the last SKU
}

func (c cursor) String() string {
	return fmt.Sprintf("%s.%d.%d.%s", c.epoch, c.from, c.next, base64.RawURLEncoding.EncodeToString([]byte(c.after)))
}

func parseCursor(text string) (cursor, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return cursor{}, false
	}
	from, err1 := strconv.ParseUint(parts[1], 10, 64)
	next, err2 := strconv.ParseUint(parts[2], 10, 64)
	after, err3 := base64.RawURLEncoding.DecodeString(parts[3])
	return cursor{parts[0], from, next, string(after)}, err1 == nil && err2 == nil && err3 == nil
}

// Changes implements bridge.Bridge.
func (s *System) Changes(ctx context.Context, since string) (bridge.Page, error) {
	// The oldest open transaction is read before the changes are: in doubt one is told twice.
	var epoch, oldest, newest string
	err := s.pool.QueryRow(ctx, `SELECT s.system_identifier || '-' || c.timeline_id, pg_snapshot_xmin(pg_current_snapshot())::text,
		pg_snapshot_xmax(pg_current_snapshot())::text FROM pg_control_system() s, pg_control_checkpoint() c`).Scan(&epoch, &oldest, &newest)
	if err != nil {
		return bridge.Page{}, meaning(err)
	}
	low, err := strconv.ParseUint(oldest, 10, 64)
	if err != nil {
		return bridge.Page{}, err
	}
	high, err := strconv.ParseUint(newest, 10, 64)
	if err != nil {
		return bridge.Page{}, err
	}
	c := cursor{epoch: epoch}
	if since != "" {
		var ok bool
		if c, ok = parseCursor(since); !ok || c.epoch != epoch || c.from > high || c.next > high {
			return bridge.Page{Gap: true}, nil
		}
	}
	if c.next == 0 {
		c.next = low
	}
	return s.page(ctx, c)
}

// page is the next page of a reading.
func (s *System) page(ctx context.Context, c cursor) (bridge.Page, error) {
	n := s.names
	sku, from := `c.key`, n.changes+` c`
	if n.variants != "" {
		sku, from = `v.`+n.variantSKU+`::text`, from+` JOIN `+n.variants+` v ON v.`+n.variantStock+`::text = c.key`
	}
	rows, err := s.pool.Query(ctx, `SELECT `+sku+`, greatest(0, floor(coalesce(s.`+n.free+`, 0)))::bigint, c.at
		FROM `+from+` LEFT JOIN `+n.stock+` s ON s.`+n.key+`::text = c.key
		WHERE c.tx >= $1::text::xid8 AND `+sku+` COLLATE "C" > $2 ORDER BY `+sku+` COLLATE "C" LIMIT $3`,
		strconv.FormatUint(c.from, 10), c.after, bridge.MaxBatch)
	if err != nil {
		return bridge.Page{}, meaning(err)
	}
	var page bridge.Page
	var name string
	var free int64
	var at time.Time
	read := 0
	_, err = pgx.ForEachRow(rows, []any{&name, &free, &at}, func() error {
		read++
		c.after = name
		if sku, err := exchange.ParseSKU(name); err == nil { // what is none is in no catalog
			page.Changes = append(page.Changes, bridge.Change{SKU: sku, Free: free, At: exchange.TimeOf(at)})
		}
		return nil
	})
	if err != nil {
		return bridge.Page{}, meaning(err)
	}
	if page.More = read == bridge.MaxBatch; !page.More {
		c = cursor{epoch: c.epoch, from: c.next}
	}
	if page.More && len(page.Changes) == 0 {
		return s.page(ctx, c)
	}
	page.Next = c.String()
	return page, nil
}

// Open implements bridge.Bridge.
func (s *System) Open(ctx context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, state, lines FROM `+s.names.asks+` WHERE state IN ('held', 'committed') AND id > $1 ORDER BY id LIMIT $2`,
		after.String(), openPage)
	if err != nil {
		return nil, meaning(err)
	}
	var all []bridge.Standing
	var id, state string
	var lines []kept
	_, err = pgx.ForEachRow(rows, []any{&id, &state, &lines}, func() error {
		st := bridge.Standing{State: bridge.State(state)}
		var err error
		st.ID, err = exchange.ParseHoldID(id)
		for _, l := range lines {
			if l.Rest > 0 {
				st.Lines = append(st.Lines, bridge.Line{SKU: l.SKU, Units: l.Rest})
			}
		}
		all, lines = append(all, st), nil
		return err
	})
	if err != nil {
		return nil, meaning(err)
	}
	return all, nil
}
