package trade

import (
	"context"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
)

// AskStock asks a supplier what is available now of some of its products. The answer has a
// line for each, in the same order. The supplier holds nothing for it.
func (r *Retailer) AskStock(ctx context.Context, supplier exchange.ShopID, skus []exchange.SKU) ([]message.StockLine, error) {
	raw, err := r.frame(&message.StockQuery{SKUs: skus})
	if err != nil {
		return nil, err
	}
	reply, err := r.network.Request(ctx, supplier, raw)
	if err != nil {
		return nil, err
	}
	answer, err := message.Reply[message.StockAnswer](r.codec, reply)
	if err != nil {
		return nil, err
	}
	if len(answer.Lines) != len(skus) {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the supplier was asked about %d products and answered about %d", len(skus), len(answer.Lines))
	}
	return answer.Lines, nil
}
