package node

import (
	"context"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/sqlbridge"
	"github.com/souk-market/souk/node/bridge/webhook"
	"github.com/souk-market/souk/store/tomlfile"
)

// BridgeConfig is the [bridge] table: how the node asks the shop's own system, where that is the
// authority over the stock. The zero value is none.
type BridgeConfig struct {
	URL        string `toml:"url,omitempty" comment:"Where your system answers over HTTP: https, or http on this machine."`
	SecretFile string `toml:"secret_file,omitempty" comment:"The file with the secret that both sides sign with; in this folder, unless it is a whole path."`

	SQL                 string `toml:"sql,omitempty" comment:"Or the URL of your PostgreSQL database; its password is taken from PGPASSWORD or ~/.pgpass."`
	Stock               string `toml:"stock,omitempty" comment:"Its table of stock, NAME or SCHEMA.NAME; empty = stock."`
	SKUColumn           string `toml:"sku_column,omitempty" comment:"The column that is its key; empty = sku."`
	FreeColumn          string `toml:"free_column,omitempty" comment:"The column with how many units are free; empty = free."`
	Variants            string `toml:"variants,omitempty" comment:"The table that says from which row of stock a product sells, where products share one."`
	VariantsSKUColumn   string `toml:"variants_sku_column,omitempty" comment:"Its column with the product's SKU; empty = sku."`
	VariantsStockColumn string `toml:"variants_stock_column,omitempty" comment:"Its column with the key of stock; empty = stock."`
	Asks                string `toml:"asks,omitempty" comment:"The table of what the node has asked, of souk bridge schema; empty = souk_ask."`
	Changes             string `toml:"changes,omitempty" comment:"The table of changes, of souk bridge schema; empty = souk_change."`
}

func (c BridgeConfig) tables() sqlbridge.Tables {
	return sqlbridge.Tables{
		Stock: c.Stock, SKU: c.SKUColumn, Free: c.FreeColumn,
		Variants: c.Variants, VariantSKU: c.VariantsSKUColumn, VariantStock: c.VariantsStockColumn,
		Asks: c.Asks, Changes: c.Changes,
	}
}

// check checks what can be checked without the folder and the system. Errors name their key.
func (c BridgeConfig) check() error {
	invalid := func(key, format string, args ...any) error {
		return tomlfile.AtKey("bridge."+key, exchange.Errorf(exchange.CodeInvalid, format, args...))
	}
	database := c
	database.URL, database.SecretFile, database.SQL = "", "", ""
	switch {
	case c == BridgeConfig{}:
		return nil
	case c.URL != "" && c.SQL != "":
		return invalid("url", "a bridge has a url or sql, not both")
	case c.URL == "" && c.SQL == "":
		return invalid("url", "say where your own system is: its url, or sql; or take the table out")
	case c.URL != "" && c.SecretFile == "":
		return invalid("secret_file", "say in which file the secret is that both sides sign with; souk bridge secret makes one")
	case c.URL != "" && database != BridgeConfig{}:
		return invalid("url", "tables and columns are of sql, not of a url")
	case c.SQL != "" && c.SecretFile != "":
		return invalid("secret_file", "a secret is of a url, not of sql")
	case c.URL != "":
		if _, err := webhook.CheckURL(c.URL); err != nil {
			return invalid("url", "%w", err)
		}
		return nil
	}
	if _, err := c.tables().Schema(); err != nil {
		return invalid("stock", "%w", err)
	}
	return nil
}

// open is the bridge that the table names, and what lets go of it; nil and nil where there is none.
// It calls nothing yet. dir is the shop's folder.
func (c BridgeConfig) open(ctx context.Context, dir string) (bridge.Bridge, func(), error) {
	switch {
	case c.URL != "":
		path := c.SecretFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		secret, err := webhook.ReadSecret(path)
		if err != nil {
			return nil, nil, exchange.Errorf(exchange.CodeInvalid, "%s: bridge.secret_file: %w; souk bridge secret makes one", configFile, err)
		}
		client, err := webhook.New(webhook.Config{URL: c.URL, Secret: secret})
		if err != nil {
			return nil, nil, exchange.Errorf(exchange.CodeInvalid, "%s: bridge: %w", configFile, err)
		}
		return client, client.Close, nil
	case c.SQL != "":
		system, err := sqlbridge.Open(ctx, c.SQL, c.tables())
		if err != nil {
			return nil, nil, exchange.Errorf(exchange.CodeInvalid, "%s: bridge.sql: %w", configFile, err)
		}
		return system, system.Close, nil
	}
	return nil, nil, nil
}
