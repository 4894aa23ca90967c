package view

import "github.com/souk-market/souk/exchange"

// Problem is an error: problem+json (RFC 9457) of type about:blank, with the code
// by which a program tells errors apart. It is an error itself.
type Problem struct {
	Title  string `json:"title" doc:"The HTTP status in words."`
	Status int    `json:"status" doc:"The HTTP status."`
	Code   string `json:"code" doc:"Stable name of the error, the same between shops and in ledgers." example:"insufficient-stock"`
	Retry  bool   `json:"retry" doc:"The same request may work later; false of what an Idempotency-Key has had answered for good."`
	Detail string `json:"detail" doc:"For a person: the cause and the next step."`

	Lines       []ShortLine      `json:"lines,omitempty" nullable:"false" doc:"Of insufficient-stock: every line that is short. Absent where the supplier runs a version that names only the first, in detail."`
	Stock       *Stock           `json:"stock,omitempty" doc:"Of stale and precondition-required: the stock as it is, with its revision."`
	Movements   []MovementResult `json:"movements,omitempty" nullable:"false" doc:"Of movements that are told together: those that are refused."`
	Fields      []FieldProblem   `json:"fields,omitempty" nullable:"false" doc:"What is wrong with the request, field by field."`
	Reservation *exchange.HoldID `json:"reservation,omitempty" doc:"Where the supplier did not answer in time: the reservation that may have been made. Repeat the request with the same Idempotency-Key soon, or it is given back."`
	Basket      *Basket          `json:"basket,omitempty" doc:"Of a basket that could not be held: its parts say why each was not had, with every line that is short."`
	Report      *ImportReport    `json:"report,omitempty" doc:"Of an import that failed: what was done until then."`
}

// ShortLine is a line of a reservation for which the supplier has not enough stock.
type ShortLine struct {
	SKU       exchange.SKU `json:"sku"`
	Asked     int64        `json:"asked"`
	Available int64        `json:"available" doc:"What could have been held then."`
}

// ShortLinesOf shows the short lines of a refusal.
func ShortLinesOf(short []exchange.Short) []ShortLine {
	var out []ShortLine
	for _, s := range short {
		out = append(out, ShortLine(s))
	}
	return out
}

// FieldProblem is one thing wrong with a request.
type FieldProblem struct {
	Location string `json:"location" doc:"Where, such as body.lines[0].quantity."`
	Message  string `json:"message"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status with which huma answers.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is application/problem+json.
func (p *Problem) ContentType(string) string { return ProblemType }

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// Err is the problem as the error that the server met, with its code; the problem
// itself stays reachable by errors.As.
func (p *Problem) Err() *exchange.Error {
	err := exchange.Errorf(exchange.ParseCode(p.Code), "%w", p)
	for _, l := range p.Lines {
		err.Short = append(err.Short, exchange.Short(l))
	}
	return err
}
