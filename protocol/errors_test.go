package protocol_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/pb"
)

func sum(b []byte) hexBytes {
	h := sha256.Sum256(b)
	return h[:]
}

// codes is how many codes exchange has: the first without a name ends them.
func codes() int {
	n := 0
	for exchange.Code(n).String() != fmt.Sprintf("code-%d", n) {
		n++
	}
	return n
}

// The schema's codes are exchange's, number by number and name by name.
func TestCodesAreTheSchemas(t *testing.T) {
	for n := range codes() {
		want := "CODE_" + strings.ToUpper(strings.ReplaceAll(exchange.Code(n).String(), "-", "_"))
		if got := pb.Code_name[int32(n)]; got != want {
			t.Errorf("code %d is %q in the schema, not %s", n, got, want)
		}
	}
	if len(pb.Code_name) != codes() {
		t.Errorf("the schema has %d codes, exchange %d", len(pb.Code_name), codes())
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	for what, tc := range map[string]struct {
		err  error
		want exchange.Code
		text string
	}{
		"plain":         {exchange.Errorf(exchange.CodeInsufficient, "only 2 left"), exchange.CodeInsufficient, "only 2 left"},
		"wrapped":       {fmt.Errorf("line 3: %w", exchange.Errorf(exchange.CodeCountry, "not there")), exchange.CodeCountry, "line 3: not there"},
		"our own fault": {errors.New("open /home/owner/souk: no space"), exchange.CodeInternal, "a fault of the other shop's; its log says more"},
	} {
		got := protocol.DecodeError(protocol.EncodeError(tc.err))
		if got.Code != tc.want || got.Message != tc.text {
			t.Errorf("%s: %v %q", what, got.Code, got.Message)
		}
	}
}

func TestLongErrorsAreCut(t *testing.T) {
	for _, s := range []string{strings.Repeat("é", 400), strings.Repeat("x\xff", 400), strings.Repeat("a", 501)} {
		b := protocol.EncodeError(exchange.Errorf(exchange.CodeInvalid, "%s", s))
		got := protocol.DecodeError(b)
		if len(b) > protocol.MaxError || got.Code != exchange.CodeInvalid || len(got.Message) > protocol.MaxDetail || !utf8.ValidString(got.Message) {
			t.Errorf("%d bytes, %v, %d bytes: %q", len(b), got.Code, len(got.Message), got.Message)
		}
		if len(got.Message) < protocol.MaxDetail-8 {
			t.Errorf("only %d bytes are left of %d", len(got.Message), len(s))
		}
	}
}

// A code from a newer version says by itself whether to try again.
func TestUnknownCodes(t *testing.T) {
	for retry, want := range map[bool]exchange.Code{true: exchange.CodeUnavailable, false: 4000} {
		b, err := proto.Marshal(&pb.Error{Code: 4000, Message: "of the future", Retry: retry})
		if err != nil {
			t.Fatal(err)
		}
		got := protocol.DecodeError(b)
		if got.Code != want || got.Code.Retry() != retry || got.Message != "of the future" {
			t.Errorf("retry %v: %v %q", retry, got.Code, got.Message)
		}
	}
}

func TestNoErrors(t *testing.T) {
	for _, b := range [][]byte{nil, {0xff}, protocol.EncodeError(nil), make([]byte, protocol.MaxError+1)} {
		wantCode(t, fmt.Sprintf("%.8x", b), protocol.DecodeError(b), exchange.CodeInvalid)
	}
}
