package sqlbridge

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/exchange/bridge"
)

// Tables says where the shop keeps its stock. A table is NAME or SCHEMA.NAME; a column is a name.
// Names are taken as they are, with their case, and quoted.
type Tables struct {
	Stock string // the table of stock: a row for each product, or each pool
	SKU   string // its key, by default sku: text, or any type where Variants names the keys
	Free  string // how many units are free, by default free: an integer or numeric

	// Variants maps products to rows of Stock, for variants that sell from one pool; "" = the key
	// of Stock is the SKU.
	Variants     string
	VariantSKU   string // by default sku
	VariantStock string // the key of Stock, by default stock

	Asks    string // the bridge's own tables, by default souk_ask and souk_change
	Changes string
}

// names are the quoted names of Tables.
type names struct {
	stock, key, free                   string
	variants, variantSKU, variantStock string // "" = none
	asks, changes                      string
	noted, trigger, openIndex, tx      string // of the schema
}

// maxName bounds a name, as PostgreSQL does, in bytes.
const maxName = 63

func (t Tables) names() (names, error) {
	var n names
	var err error
	table := func(name, standard string) string {
		if name == "" {
			name = standard
		}
		parts := strings.Split(name, ".")
		for _, p := range parts {
			if p == "" || len(p) > maxName || strings.ContainsRune(p, 0) || len(parts) > 2 {
				err = fmt.Errorf("%w: %q is no name of a table; write NAME or SCHEMA.NAME", bridge.ErrSetup, name)
			}
		}
		return pgx.Identifier(parts).Sanitize()
	}
	column := func(name, standard string) string {
		if name == "" {
			name = standard
		}
		if len(name) > maxName || strings.ContainsRune(name, 0) {
			err = fmt.Errorf("%w: %q is no name of a column", bridge.ErrSetup, name)
		}
		return pgx.Identifier{name}.Sanitize()
	}
	n.stock, n.key, n.free = table(t.Stock, "stock"), column(t.SKU, "sku"), column(t.Free, "free")
	if t.Variants != "" {
		n.variants, n.variantSKU, n.variantStock = table(t.Variants, ""), column(t.VariantSKU, "sku"), column(t.VariantStock, "stock")
	}
	n.asks, n.changes = table(t.Asks, "souk_ask"), table(t.Changes, "souk_change")
	n.noted, n.trigger = table(withName(t.Changes, "souk_change", "_note"), ""), column("souk_change", "")
	n.openIndex, n.tx = column(bare(t.Asks, "souk_ask")+"_open", ""), column(bare(t.Changes, "souk_change")+"_tx", "")
	return n, err
}

// withName is a table's name with an ending, in its schema.
func withName(name, standard, ending string) string {
	if name == "" {
		name = standard
	}
	return name + ending
}

// bare is a table's name without its schema.
func bare(name, standard string) string {
	if name == "" {
		name = standard
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}

// Schema is the SQL that adds the bridge's two tables, and the trigger that notes changes of
// stock, to a shop's database. It may run again. Run it as the owner of the table of stock.
func (t Tables) Schema() (string, error) {
	n, err := t.names()
	if err != nil {
		return "", err
	}
	return strings.NewReplacer(
		"{asks}", n.asks, "{changes}", n.changes, "{stock}", n.stock, "{key}", n.key, "{free}", n.free,
		"{note}", n.noted, "{trigger}", n.trigger, "{open}", n.openIndex, "{tx}", n.tx,
	).Replace(schema), nil
}

const schema = `BEGIN;

-- What the node has asked, for good: a repeated call is answered from it.
CREATE TABLE IF NOT EXISTS {asks} (
	id        text COLLATE "C" PRIMARY KEY,
	state     text NOT NULL CHECK (state IN ('held', 'committed', 'released', 'refused')),
	lines     jsonb NOT NULL DEFAULT '[]', -- as asked: product, row of stock, units, and what is still set aside
	parts     bigint[] NOT NULL DEFAULT '{}', -- the numbers of the parts that were given back
	partner   text NOT NULL DEFAULT '',
	reference text NOT NULL DEFAULT '',
	reason    text NOT NULL DEFAULT '',
	expires   timestamptz, -- at the node; nothing ends by it here
	made      timestamptz NOT NULL DEFAULT now(),
	changed   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS {open} ON {asks} (id) WHERE state IN ('held', 'committed');

-- By which transaction each row of stock changed last, for the node's catalog.
CREATE TABLE IF NOT EXISTS {changes} (
	key text COLLATE "C" PRIMARY KEY,
	tx  xid8 NOT NULL DEFAULT pg_current_xact_id(),
	at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS {tx} ON {changes} (tx);

CREATE OR REPLACE FUNCTION {note}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND NEW.{free} IS NOT DISTINCT FROM OLD.{free} AND NEW.{key} = OLD.{key} THEN
		RETURN NULL;
	END IF;
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO {changes} (key) VALUES (OLD.{key}::text)
			ON CONFLICT (key) DO UPDATE SET tx = pg_current_xact_id(), at = now();
	END IF;
	IF TG_OP = 'INSERT' OR NEW.{key} <> OLD.{key} THEN
		INSERT INTO {changes} (key) VALUES (NEW.{key}::text)
			ON CONFLICT (key) DO UPDATE SET tx = pg_current_xact_id(), at = now();
	END IF;
	RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS {trigger} ON {stock};
CREATE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE ON {stock} FOR EACH ROW EXECUTE FUNCTION {note}();

INSERT INTO {changes} (key) SELECT {key}::text FROM {stock} ON CONFLICT (key) DO NOTHING;

COMMIT;
`
