package trade

import (
	"context"
	"errors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
)

// AskStock asks a supplier what is available now of some of its products. The answer has a
// line for each, in the same order. The supplier holds nothing for it. Like every question it is asked
// again while ctx lasts.
func (r *Retailer) AskStock(ctx context.Context, supplier exchange.ShopID, skus []exchange.SKU) ([]message.StockLine, error) {
	raw, err := r.frame(&message.StockQuery{SKUs: skus})
	if err != nil {
		return nil, err
	}
	reply, err := r.asker.ask(ctx, supplier, raw)
	if errors.Is(err, ErrUnanswered) {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "%s was asked and did not answer in time; try again", supplier.Short())
	}
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
