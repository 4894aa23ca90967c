package protocol_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/pb"
)

// Lines that no hold can have are refused where they are read. No value holds them, so
// they are written here by the schema alone.
func TestDecodeRefusesBadLines(t *testing.T) {
	id := make([]byte, 16)
	id[0] = 1
	hold := func(lines []*pb.Line) proto.Message { return &pb.Hold{Id: id, Lines: lines, Country: "SE"} }
	stored := func(lines []*pb.Line) proto.Message { return &pb.HoldRecord{Lines: lines} }
	reservation := func(lines []*pb.Line) proto.Message {
		return &pb.ReservationRecord{Request: &pb.Hold{Id: id, Lines: lines}}
	}
	shoe, hat := &pb.Line{Sku: "shoe", Quantity: 2}, &pb.Line{Sku: "hat", Quantity: 1}
	tooMany := make([]*pb.Line, exchange.MaxLines+1)
	for i := range tooMany {
		tooMany[i] = &pb.Line{Sku: string(longSKU(i)), Quantity: 1}
	}
	for name, c := range map[string]struct {
		kind message.Kind
		of   func([]*pb.Line) proto.Message
		none exchange.Code // where there are no lines
	}{
		"hold":               {message.KindHold, hold, exchange.CodeInvalid},
		"hold record":        {record.KindHold, stored, exchange.CodeOK},
		"reservation record": {record.KindReservation, reservation, exchange.CodeOK},
	} {
		for what, l := range map[string]struct {
			lines []*pb.Line
			code  exchange.Code
		}{
			"good":            {[]*pb.Line{shoe, hat}, exchange.CodeOK},
			"none":            {nil, c.none},
			"too many":        {tooMany, exchange.CodeInvalid},
			"a product twice": {[]*pb.Line{shoe, shoe}, exchange.CodeInvalid},
			"quantity 0":      {[]*pb.Line{{Sku: "shoe"}}, exchange.CodeInvalid},
			"a bad SKU":       {[]*pb.Line{{Sku: " shoe", Quantity: 1}}, exchange.CodeInvalid},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				b, err := proto.Marshal(c.of(l.lines))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := (protocol.Codec{}).Decode(c.kind, b); exchange.CodeOf(err) != l.code {
					t.Errorf("%v, want %v", err, l.code)
				}
			})
		}
	}
}
