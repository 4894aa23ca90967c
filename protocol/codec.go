package protocol

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk"
)

// Codec turns the desk's values into wire and record bytes and back. It
// implements desk.Codec, has no state, and is safe for concurrent use.
//
// What Encode accepts, Decode accepts and returns equal to the value encoded
// (explanations over MaxDetail are cut; an empty slice comes back nil). Both return
// CodeInvalid naming the kind and field, and CodeLimit for bytes over the kind's limit.
type Codec struct{}

var _ desk.Codec = Codec{}

// Deterministic costs nothing here: the schema has no maps.
var marshal = proto.MarshalOptions{Deterministic: true}

// Encode returns v's bytes, after checking that v keeps the rules its reader
// will hold it to: what a partner would refuse is an error here first.
func (Codec) Encode(v desk.Value) ([]byte, error) {
	k := v.Kind()
	f, err := formOf(k)
	if err != nil {
		return nil, err
	}
	if err := f.check(v); err != nil {
		return nil, f.invalid(err)
	}
	b, err := marshal.Marshal(f.out(v))
	if err != nil { // a text that is not UTF-8
		return nil, f.invalid(err)
	}
	return b, f.fits(b)
}

// Decode reads a value of kind k from untrusted bytes, and checks it. The value
// shares no memory with b.
func (Codec) Decode(k desk.Kind, b []byte) (desk.Value, error) {
	f, err := formOf(k)
	if err != nil {
		return nil, err
	}
	if err := f.fits(b); err != nil {
		return nil, err
	}
	if crowded(b) {
		return nil, exchange.Errorf(exchange.CodeLimit, "%s: more than %d parts", f.name, MaxParts)
	}
	v, err := f.in(b)
	if err == nil {
		err = f.check(v)
	}
	if err != nil {
		return nil, f.invalid(err)
	}
	return v, nil
}

// form is how values of one kind are written.
type form struct {
	name  string                           // for errors
	max   int                              // encoded bytes
	out   func(desk.Value) proto.Message   // aliases the value
	in    func([]byte) (desk.Value, error) // shares nothing with the bytes
	check func(desk.Value) error           // the rules that out's caller and in's caller hold it to
}

// of makes a form of functions between a native value V and its message M.
func of[V desk.Value, T any, M interface {
	*T
	proto.Message
}](name string, limit int, out func(V) M, in func(*fields, M) V, check func(V) error) *form {
	return &form{
		name: name, max: limit,
		out: func(v desk.Value) proto.Message { return out(v.(V)) },
		in: func(b []byte) (desk.Value, error) {
			m := M(new(T))
			if err := proto.Unmarshal(b, m); err != nil {
				return nil, err
			}
			var f fields
			v := in(&f, m)
			return v, f.err
		},
		check: func(v desk.Value) error { return check(v.(V)) },
	}
}

func formOf(k desk.Kind) (*form, error) {
	if k >= desk.Kind(len(forms)) || forms[k] == nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "kind %d is unknown; the other shop may run a newer version", k)
	}
	return forms[k], nil
}

func (f *form) invalid(err error) error {
	return exchange.Errorf(exchange.CodeInvalid, "%s: %w", f.name, err)
}

func (f *form) fits(b []byte) error {
	if len(b) > f.max {
		return exchange.Errorf(exchange.CodeLimit, "%s: %d bytes; %d are allowed", f.name, len(b), f.max)
	}
	return nil
}

// crowded reports a message of more than MaxParts fields at its top level. An empty
// list item takes two bytes on the wire and a hundred in memory, so a long message
// is counted before it is unpacked; malformed bytes are left to the unpacking.
func crowded(b []byte) bool {
	if len(b) <= 2*MaxParts {
		return false
	}
	for n := 0; len(b) > 0; n++ {
		_, _, length := protowire.ConsumeField(b)
		if length < 0 {
			return false
		}
		if n == MaxParts {
			return true
		}
		b = b[length:]
	}
	return false
}

// forms has every kind, at its number.
var forms = [...]*form{
	desk.KindHold:       of("hold", MaxHold, holdOut, holdIn, checkHold),
	desk.KindRelease:    of("release", maxSmall, releaseOut, releaseIn, checkRelease),
	desk.KindExtend:     of("extend", maxSmall, extendOut, extendIn, checkExtend),
	desk.KindHoldStatus: of("hold status", maxSmall, statusOut, statusIn, checkStatus),
	desk.KindSubmit:     of("submit", MaxSubmit, submitOut, submitIn, checkSubmit),
	desk.KindPush:       of("push", MaxTradeMessage, pushOut, pushIn, checkPush),
	desk.KindPull:       of("pull", maxSmall, pullOut, pullIn, checkNothing),
	desk.KindStockQuery: of("stock query", maxStock, stockQueryOut, stockQueryIn, checkStockQuery),
	desk.KindHello:      of("hello", MaxHello, helloOut, helloIn, checkHello),

	desk.KindSealedAnswer: of("sealed answer", MaxSealedAnswer+tag, sealedAnswerOut, sealedAnswerIn, checkSealedAnswer),
	desk.KindEntries:      of("entries", MaxTradeMessage, entriesOut, entriesIn, checkEntries),
	desk.KindSignedHead:   of("signed head", maxSmall, signedHeadOut, signedHeadIn, checkSignedHead),
	desk.KindStockAnswer:  of("stock answer", maxStock, stockAnswerOut, stockAnswerIn, checkStockAnswer),

	desk.KindHoldAnswer: of("hold answer", MaxHoldAnswer, holdAnswerOut, holdAnswerIn, checkHoldAnswer),
	desk.KindEntry:      of("entry", MaxEntry, entryOut, entryIn, checkEntry),
	desk.KindRequest:    of("request", MaxRequest, requestOut, requestIn, checkRequest),
	desk.KindHead:       of("head", maxSmall, headOut, headIn, checkHead),
	desk.KindShipTo:     of("ship-to", MaxShipTo, shipToOut, shipToIn, checkShipTo),

	desk.KindProductRecord:     of("product record", MaxRecord, productRecordOut, productRecordIn, checkNothing),
	desk.KindStockRecord:       of("stock record", MaxRecord, stockRecordOut, stockRecordIn, checkNothing),
	desk.KindHoldRecord:        of("hold record", MaxRecord, holdRecordOut, holdRecordIn, checkHoldRecord),
	desk.KindOrderRecord:       of("order record", MaxRecord, orderRecordOut, orderRecordIn, checkOrderRecord),
	desk.KindChainRecord:       of("chain record", MaxRecord, chainRecordOut, chainRecordIn, checkNothing),
	desk.KindPartnershipRecord: of("partnership record", MaxRecord, partnershipRecordOut, partnershipRecordIn, checkPartnershipRecord),
	desk.KindOutboxRecord:      of("outbox record", MaxRecord, outboxRecordOut, outboxRecordIn, checkNothing),
	desk.KindReservationRecord: of("reservation record", MaxRecord, reservationRecordOut, reservationRecordIn, checkReservationRecord),
	desk.KindMetaRecord:        of("meta record", MaxRecord, metaRecordOut, metaRecordIn, checkNothing),
	desk.KindEvidenceRecord:    of("evidence record", MaxRecord, evidenceRecordOut, evidenceRecordIn, checkNothing),
	desk.KindShipToRecord:      of("ship-to record", MaxRecord, shipToRecordOut, shipToRecordIn, checkNothing),

	desk.KindFeedRecord:  of("feed record", catalog.MaxRecord, feedProductOut, feedProductIn, checkFeedProduct),
	desk.KindFeedHead:    of("feed head", maxSmall, feedHeadOut, feedHeadIn, checkFeedHead),
	desk.KindFeedUpdate:  of("feed update", MaxFeedUpdate, feedUpdateOut, feedUpdateIn, checkFeedUpdate),
	desk.KindFeedPull:    of("feed pull", MaxFeedPull, feedPullOut, feedPullIn, checkFeedPull),
	desk.KindFeedChunk:   of("feed chunk", MaxFeedChunk, feedChunkOut, feedChunkIn, checkFeedChunk),
	desk.KindFeedMeta:    of("feed meta", MaxRecord, feedMetaOut, feedMetaIn, checkNothing),
	desk.KindReplicaMeta: of("replica meta", MaxRecord, replicaMetaOut, replicaMetaIn, checkNothing),
}
