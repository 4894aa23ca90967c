package sqlbridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// kept is a line as the row of its ask keeps it.
type kept struct {
	SKU   exchange.SKU `json:"sku"`
	Stock string       `json:"stock"` // the key of its row of stock; "" where there was none
	Units int64        `json:"units"` // as asked
	Rest  int64        `json:"rest"`  // still set aside
}

// hold sets an ask aside, or answers from its row.
func (s *System) hold(ctx context.Context, tx pgx.Tx, a bridge.Ask) (bridge.Answer, error) {
	lines := make([]kept, 0, len(a.Lines))
	for _, l := range a.Lines {
		lines = append(lines, kept{SKU: l.SKU, Stock: string(l.SKU), Units: l.Units})
	}
	slices.SortFunc(lines, func(x, y kept) int { return strings.Compare(string(x.SKU), string(y.SKU)) })

	n := s.names
	made, err := tx.Exec(ctx, `INSERT INTO `+n.asks+` (id, state, lines, partner, expires) VALUES ($1, 'held', $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
		a.ID.String(), lines, a.Partner.String(), a.Expires.Std())
	if err != nil {
		return bridge.Answer{}, err
	}
	if made.RowsAffected() == 0 {
		return s.heldBefore(ctx, tx, a.ID, lines)
	}
	if err := s.findStock(ctx, tx, lines); err != nil {
		return bridge.Answer{}, err
	}
	free, err := s.lockStock(ctx, tx, lines)
	if err != nil {
		return bridge.Answer{}, err
	}
	left := maps.Clone(free)
	var short []exchange.Short
	for i, l := range lines {
		if left[l.Stock] < l.Units {
			short = append(short, exchange.Short{SKU: l.SKU, Asked: l.Units, Available: max(0, left[l.Stock])})
			continue
		}
		left[l.Stock] -= l.Units
		lines[i].Rest = l.Units
	}
	if len(short) > 0 {
		for i := range lines {
			lines[i].Rest = 0
		}
		_, err := tx.Exec(ctx, `UPDATE `+n.asks+` SET state = 'refused', lines = $2 WHERE id = $1`, a.ID.String(), lines)
		return bridge.Answer{ID: a.ID, Short: short}, err
	}
	for _, l := range lines {
		if err := s.addFree(ctx, tx, l.Stock, -l.Units); err != nil {
			return bridge.Answer{}, err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE `+n.asks+` SET lines = $2 WHERE id = $1`, a.ID.String(), lines)
	return bridge.Answer{ID: a.ID, OK: true}, err
}

// heldBefore answers a hold whose ID is known; lines are those of the repeat, by SKU.
func (s *System) heldBefore(ctx context.Context, tx pgx.Tx, id exchange.HoldID, lines []kept) (bridge.Answer, error) {
	var state bridge.State
	var first []kept
	err := tx.QueryRow(ctx, `SELECT state, lines FROM `+s.names.asks+` WHERE id = $1`, id.String()).Scan(&state, &first)
	same := slices.EqualFunc(first, lines, func(x, y kept) bool { return x.SKU == y.SKU && x.Units == y.Units })
	switch {
	case err != nil:
		return bridge.Answer{}, err
	case state != bridge.Held && state != bridge.Committed:
		return bridge.Answer{ID: id, Problem: bridge.Missing}, nil
	case !same:
		return bridge.Answer{ID: id, Problem: bridge.KeyReused}, nil
	}
	return bridge.Answer{ID: id, OK: true}, nil
}

// commit makes an order of an ask.
func (s *System) commit(ctx context.Context, tx pgx.Tx, r bridge.Ref) (bridge.Answer, error) {
	done, err := tx.Exec(ctx, `UPDATE `+s.names.asks+` SET state = 'committed', changed = now(), reference = CASE WHEN state = 'held' THEN $2 ELSE reference END
		WHERE id = $1 AND state IN ('held', 'committed')`, r.ID.String(), r.Reference)
	if err == nil && done.RowsAffected() == 0 {
		return bridge.Answer{ID: r.ID, Problem: bridge.Missing}, nil
	}
	return bridge.Answer{ID: r.ID, OK: true}, err
}

// release gives a part back, or leaves the mark of an unknown ID.
func (s *System) release(ctx context.Context, tx pgx.Tx, p bridge.Part) (bridge.Answer, error) {
	n, yes := s.names, bridge.Answer{ID: p.ID, OK: true}
	made, err := tx.Exec(ctx, `INSERT INTO `+n.asks+` (id, state, reason) VALUES ($1, 'released', $2) ON CONFLICT (id) DO NOTHING`, p.ID.String(), p.Reason)
	if err != nil || made.RowsAffected() == 1 {
		return yes, err
	}
	var state bridge.State
	var lines []kept
	var done []int64
	err = tx.QueryRow(ctx, `SELECT state, lines, parts FROM `+n.asks+` WHERE id = $1 FOR UPDATE`, p.ID.String()).Scan(&state, &lines, &done)
	if err != nil || state != bridge.Held && state != bridge.Committed || slices.Contains(done, int64(p.Seq)) {
		return yes, err
	}
	back := make(map[string]int64) // by row of stock
	for i := range lines {
		l := &lines[i]
		units := l.Rest
		if len(p.Lines) > 0 {
			units = min(units, named(p.Lines, l.SKU))
		}
		if l.Rest -= units; units > 0 {
			back[l.Stock] += units
		}
	}
	for _, stock := range slices.Sorted(maps.Keys(back)) {
		if err := s.addFree(ctx, tx, stock, back[stock]); err != nil {
			return bridge.Answer{}, err
		}
	}
	if !slices.ContainsFunc(lines, func(l kept) bool { return l.Rest > 0 }) {
		state = bridge.Released
	}
	_, err = tx.Exec(ctx, `UPDATE `+n.asks+` SET state = $2, lines = $3, parts = array_append(parts, $4::bigint), reason = $5, changed = now() WHERE id = $1`,
		p.ID.String(), string(state), lines, int64(p.Seq), p.Reason)
	return yes, err
}

// named is how many units of a product lines name.
func named(lines []bridge.Line, sku exchange.SKU) int64 {
	var units int64
	for _, l := range lines {
		if l.SKU == sku {
			units += l.Units
		}
	}
	return units
}

// findStock sets the row of stock of each line: "" where it has none.
func (s *System) findStock(ctx context.Context, tx pgx.Tx, lines []kept) error {
	n := s.names
	if n.variants == "" {
		return nil
	}
	for i := range lines {
		err := tx.QueryRow(ctx, `SELECT `+n.variantStock+`::text FROM `+n.variants+` WHERE `+n.variantSKU+` = $1`, string(lines[i].SKU)).Scan(&lines[i].Stock)
		if errors.Is(err, pgx.ErrNoRows) {
			lines[i].Stock = ""
		} else if err != nil {
			return err
		}
	}
	return nil
}

// lockStock locks the rows of stock of the lines, in the order of their keys, and returns what is
// free of each.
func (s *System) lockStock(ctx context.Context, tx pgx.Tx, lines []kept) (map[string]int64, error) {
	n := s.names
	free := make(map[string]int64)
	keys := make(map[string]bool)
	for _, l := range lines {
		if l.Stock != "" {
			keys[l.Stock] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		var units *int64
		err := tx.QueryRow(ctx, `SELECT floor(`+n.free+`)::bigint FROM `+n.stock+` WHERE `+n.key+` = $1 FOR UPDATE`, key).Scan(&units)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			continue
		case err != nil:
			return nil, err
		case units != nil:
			free[key] = *units
		}
	}
	return free, nil
}

// addFree adds units to a row of stock. The row of a product that is gone has nothing to add to.
func (s *System) addFree(ctx context.Context, tx pgx.Tx, key string, units int64) error {
	n := s.names
	done, err := tx.Exec(ctx, `UPDATE `+n.stock+` SET `+n.free+` = `+n.free+` + $2::bigint WHERE `+n.key+` = $1`, key, units)
	if err == nil && units < 0 && done.RowsAffected() != 1 {
		return fmt.Errorf("%w: %d rows of stock have the key %q", bridge.ErrSetup, done.RowsAffected(), key)
	}
	return err
}
