package exchange

import "strings"

// StockID names a record of stock: the stock of one product, or a pool from which several
// products sell. The stock of one product has its SKU for a name.
type StockID string

// poolMark begins a pool's name. A SKU holds no such character, so no product's stock has a
// pool's name.
const poolMark = "\x01"

// OwnStock is the stock of one product.
func OwnStock(sku SKU) StockID { return StockID(sku) }

// PoolStock is a pool with a name, which must be one that a SKU could have.
func PoolStock(name string) (StockID, error) {
	sku, err := ParseSKU(name)
	if err != nil {
		return "", Errorf(CodeInvalid, "the name of a common stock: %w", err)
	}
	return StockID(poolMark + string(sku)), nil
}

// IsPool reports a pool that is no product's own stock.
func (s StockID) IsPool() bool { return strings.HasPrefix(string(s), poolMark) }

// Is reports the stock of one product.
func (s StockID) Is(sku SKU) bool { return string(s) == string(sku) }

// Name is the name for people: the SKU, or the pool's name.
func (s StockID) Name() string { return strings.TrimPrefix(string(s), poolMark) }

func (s StockID) String() string { return s.Name() }
