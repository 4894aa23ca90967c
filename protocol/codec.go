package protocol

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Codec turns values of packages message and record into bytes and back. It
// implements message.Codec, has no state, and is safe for concurrent use.
//
// What Encode accepts, Decode accepts and returns equal to the value encoded
// (explanations over MaxDetail are cut; an empty slice comes back nil). Both return
// CodeInvalid naming the kind and field, and CodeLimit for bytes over the kind's limit.
type Codec struct{}

var _ message.Codec = Codec{}

// Deterministic costs nothing here: the schema has no maps.
var marshal = proto.MarshalOptions{Deterministic: true}

// Encode returns v's bytes, after checking that v keeps the rules its reader
// will hold it to: what a partner would refuse is an error here first.
func (Codec) Encode(v message.Value) ([]byte, error) {
	k := v.Kind()
	f, err := formOf(k)
	if err != nil {
		return nil, err
	}
	if err := f.check(v); err != nil {
		return nil, f.invalid(err)
	}
	b, err := marshal.Marshal(f.toPB(v))
	if err != nil { // a text that is not UTF-8
		return nil, f.invalid(err)
	}
	return b, f.fits(b)
}

// Decode reads a value of kind k from untrusted bytes, and checks it. The value
// shares no memory with b.
func (Codec) Decode(k message.Kind, b []byte) (message.Value, error) {
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
	v, err := f.fromPB(b)
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
	name   string                              // for errors
	max    int                                 // encoded bytes
	toPB   func(message.Value) proto.Message   // aliases the value
	fromPB func([]byte) (message.Value, error) // shares nothing with the bytes
	check  func(message.Value) error           // the rules of form; Encode and Decode hold the value to them
}

// of makes a form of functions between a native value V and its message M.
func of[V message.Value, T any, M interface {
	*T
	proto.Message
}](name string, limit int, toPB func(V) M, fromPB func(*fields, M) V, check func(V) error) *form {
	return &form{
		name: name, max: limit,
		toPB: func(v message.Value) proto.Message { return toPB(v.(V)) },
		fromPB: func(b []byte) (message.Value, error) {
			m := M(new(T))
			if err := proto.Unmarshal(b, m); err != nil {
				return nil, err
			}
			var f fields
			v := fromPB(&f, m)
			return v, f.err
		},
		check: func(v message.Value) error { return check(v.(V)) },
	}
}

func formOf(k message.Kind) (*form, error) {
	if k >= message.Kind(len(forms)) || forms[k] == nil {
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
	message.KindHold:       of("hold", MaxHold, holdToPB, holdFromPB, checkHold),
	message.KindRelease:    of("release", maxSmall, releaseToPB, releaseFromPB, checkRelease),
	message.KindExtend:     of("extend", maxSmall, extendToPB, extendFromPB, checkExtend),
	message.KindHoldStatus: of("hold status", maxSmall, statusToPB, statusFromPB, checkStatus),
	message.KindSubmit:     of("submit", MaxSubmit, submitToPB, submitFromPB, checkSubmit),
	message.KindPush:       of("push", MaxTradeMessage, pushToPB, pushFromPB, checkPush),
	message.KindPull:       of("pull", maxSmall, pullToPB, pullFromPB, checkNothing),
	message.KindStockQuery: of("stock query", maxStock, stockQueryToPB, stockQueryFromPB, checkStockQuery),
	message.KindHello:      of("hello", MaxHello, helloToPB, helloFromPB, checkHello),

	message.KindSealedAnswer: of("sealed answer", MaxSealedAnswer+tag, sealedAnswerToPB, sealedAnswerFromPB, checkSealedAnswer),
	message.KindEntries:      of("entries", MaxTradeMessage, entriesToPB, entriesFromPB, checkEntries),
	message.KindSignedHead:   of("signed head", maxSmall, signedHeadToPB, signedHeadFromPB, checkSignedHead),
	message.KindStockAnswer:  of("stock answer", maxStock, stockAnswerToPB, stockAnswerFromPB, checkStockAnswer),

	message.KindHoldAnswer: of("hold answer", MaxHoldAnswer, holdAnswerToPB, holdAnswerFromPB, checkHoldAnswer),
	message.KindEntry:      of("entry", MaxEntry, entryToPB, entryFromPB, checkEntry),
	message.KindRequest:    of("request", MaxRequest, requestToPB, requestFromPB, checkRequest),
	message.KindHead:       of("head", maxSmall, headToPB, headFromPB, checkHead),
	message.KindShipTo:     of("ship-to", MaxShipTo, shipToToPB, shipToFromPB, checkShipTo),

	record.KindProduct:     of("product record", MaxRecord, productRecordToPB, productRecordFromPB, checkNothing),
	record.KindStock:       of("stock record", MaxRecord, stockRecordToPB, stockRecordFromPB, checkNothing),
	record.KindHold:        of("hold record", MaxRecord, holdRecordToPB, holdRecordFromPB, checkHoldRecord),
	record.KindOrder:       of("order record", MaxRecord, orderRecordToPB, orderRecordFromPB, checkOrderRecord),
	record.KindLedger:      of("ledger record", MaxRecord, ledgerRecordToPB, ledgerRecordFromPB, checkNothing),
	record.KindPartnership: of("partnership record", MaxRecord, partnershipRecordToPB, partnershipRecordFromPB, checkPartnershipRecord),
	record.KindOutbox:      of("outbox record", MaxRecord, outboxRecordToPB, outboxRecordFromPB, checkNothing),
	record.KindReservation: of("reservation record", MaxRecord, reservationRecordToPB, reservationRecordFromPB, checkReservationRecord),
	record.KindMeta:        of("meta record", MaxRecord, metaRecordToPB, metaRecordFromPB, checkNothing),
	record.KindEvidence:    of("evidence record", MaxRecord, evidenceRecordToPB, evidenceRecordFromPB, checkNothing),
	record.KindShipTo:      of("ship-to record", MaxRecord, shipToRecordToPB, shipToRecordFromPB, checkNothing),

	record.KindMovement: of("movement", MaxRecord, movementToPB, movementFromPB, checkNothing),
	record.KindOwnSale:  of("own sale record", MaxRecord, ownSaleToPB, ownSaleFromPB, checkOwnSaleRecord),
	record.KindBasket:   of("basket record", MaxRecord, basketRecordToPB, basketRecordFromPB, checkBasketRecord),
	record.KindReading:  of("reading", MaxRecord, readingToPB, readingFromPB, checkNothing),
	record.KindToldLine: of("told movement", MaxRecord, toldLineToPB, toldLineFromPB, checkNothing),
	record.KindIntent:   of("list of movements", record.MaxIntent, intentToPB, intentFromPB, checkNothing),
	record.KindEvents:   of("events record", MaxRecord, eventsRecordToPB, eventsRecordFromPB, checkEventsRecord),
	record.KindBridged:  of("bridge message", MaxRecord, bridgedToPB, bridgedFromPB, checkNothing),
	record.KindAsked:    of("asked record", MaxRecord, askedToPB, askedFromPB, checkNothing),
	record.KindSource:   of("source record", MaxRecord, sourceToPB, sourceFromPB, checkNothing),

	message.KindFeedProduct: of("feed record", catalog.MaxRecord, feedProductToPB, feedProductFromPB, checkFeedProduct),
	message.KindFeedHead:    of("feed head", maxSmall, feedHeadToPB, feedHeadFromPB, checkFeedHead),
	message.KindFeedUpdate:  of("feed update", MaxFeedUpdate, feedUpdateToPB, feedUpdateFromPB, checkFeedUpdate),
	message.KindFeedPull:    of("feed pull", MaxFeedPull, feedPullToPB, feedPullFromPB, checkFeedPull),
	message.KindFeedChunk:   of("feed chunk", MaxFeedChunk, feedChunkToPB, feedChunkFromPB, checkFeedChunk),
	record.KindFeed:         of("feed meta", MaxRecord, feedMetaToPB, feedMetaFromPB, checkNothing),
	record.KindReplica:      of("replica meta", MaxRecord, replicaMetaToPB, replicaMetaFromPB, checkNothing),
}
