package gen

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
)

// Kinds are all kinds there are, in the order of their numbers.
var Kinds = []message.Kind{
	message.KindHold, message.KindRelease, message.KindExtend, message.KindHoldStatus, message.KindSubmit, message.KindPush,
	message.KindPull, message.KindStockQuery, message.KindHello, message.KindSealedAnswer, message.KindEntries,
	message.KindSignedHead, message.KindStockAnswer, message.KindHoldAnswer, message.KindEntry, message.KindRequest,
	message.KindHead, message.KindShipTo, record.KindProduct, record.KindStock, record.KindHold,
	record.KindOrder, record.KindLedger, record.KindPartnership, record.KindOutbox,
	record.KindReservation, record.KindMeta, record.KindEvidence, record.KindShipTo,
	record.KindMovement, record.KindReading, record.KindSource, record.KindToldLine, record.KindIntent,
	record.KindOwnSale, record.KindBasket, record.KindBridged, record.KindEvents, record.KindAsked,
	message.KindFeedProduct, message.KindFeedHead, message.KindFeedUpdate, message.KindFeedPull, message.KindFeedChunk,
	record.KindFeed, record.KindReplica,
}

// FirstKinds are those of the first version, and Kinds2 those of version 2.
var (
	FirstKinds = without(Kinds2, record.KindMovement, record.KindReading, record.KindSource)
	Kinds2     = without(Kinds, record.KindToldLine, record.KindIntent, record.KindOwnSale, record.KindBasket, record.KindEvents, record.KindBridged, record.KindAsked)
)

func without(kinds []message.Kind, these ...message.Kind) []message.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k message.Kind) bool { return slices.Contains(these, k) })
}

// Value makes values of kind k. It panics on a kind that is not in Kinds.
func Value(k message.Kind) *rapid.Generator[message.Value] { return values(k, false) }

// First makes values of kind k as the first version of Souk did, without the fields that came
// later: the golden vectors of that version are made of them, for good.
func First(k message.Kind) *rapid.Generator[message.Value] { return values(k, true) }

func values(k message.Kind, first bool) *rapid.Generator[message.Value] {
	make, ok := makers[k]
	if !ok {
		panic(fmt.Sprintf("gen: no generator for kind %d", k))
	}
	return rapid.Custom(func(t *rapid.T) message.Value { return make(source{t: t, first: first}) })
}

var makers = map[message.Kind]func(source) message.Value{
	message.KindHold:         func(s source) message.Value { h := s.holdRequest(); return &h },
	message.KindRelease:      func(s source) message.Value { return &message.Release{ID: s.holdID()} },
	message.KindExtend:       func(s source) message.Value { return &message.Extend{ID: s.holdID(), Until: s.time()} },
	message.KindHoldStatus:   func(s source) message.Value { return &message.HoldStatus{ID: s.holdID()} },
	message.KindSubmit:       submit,
	message.KindPush:         func(s source) message.Value { return &message.Push{Entries: s.blobs()} },
	message.KindPull:         func(s source) message.Value { return &message.Pull{After: s.number()} },
	message.KindStockQuery:   stockQuery,
	message.KindHello:        hello,
	message.KindSealedAnswer: func(s source) message.Value { return &message.SealedAnswer{Sealed: s.blob()} },
	message.KindEntries:      func(s source) message.Value { return &message.Entries{Entries: s.blobs(), Head: s.number()} },
	message.KindSignedHead:   func(s source) message.Value { return &message.SignedHead{Payload: s.blob(), Signature: s.signature()} },
	message.KindStockAnswer:  stockAnswer,
	message.KindHoldAnswer:   holdAnswer,
	message.KindEntry:        entry,
	message.KindRequest:      request,
	message.KindHead:         func(s source) message.Value { h := s.head(); return &h },
	message.KindShipTo:       shipTo,
	record.KindProduct:       productRecord,
	record.KindStock:         stockRecord,
	record.KindHold:          holdRecord,
	record.KindOrder:         orderRecord,
	record.KindLedger:        ledgerRecord,
	record.KindPartnership:   partnershipRecord,
	record.KindOutbox:        outboxRecord,
	record.KindReservation:   reservationRecord,
	record.KindOwnSale:       ownSale,
	record.KindBasket:        basketRecord,
	record.KindBridged:       bridged,
	record.KindAsked:         asked,
	record.KindMeta:          meta,
	record.KindEvidence:      evidenceRecord,
	record.KindShipTo:        func(s source) message.Value { return &record.ShipTo{Salt: s.salt(), Raw: s.blob()} },
	record.KindMovement:      movement,
	record.KindReading:       reading,
	record.KindSource:        sourceRecord,
	record.KindToldLine:      toldLine,
	record.KindIntent:        intent,
	record.KindEvents:        events,
	message.KindFeedProduct:  func(s source) message.Value { return &message.FeedProduct{Product: s.product()} },
	message.KindFeedHead:     feedHead,
	message.KindFeedUpdate:   feedUpdate,
	message.KindFeedPull:     feedPull,
	message.KindFeedChunk:    feedChunk,
	record.KindFeed:          feedMeta,
	record.KindReplica:       replicaMeta,
}
