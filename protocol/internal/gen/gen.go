package gen

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange/desk"
)

// Kinds are all kinds there are, in the order of their numbers.
var Kinds = []desk.Kind{
	desk.KindHold, desk.KindRelease, desk.KindExtend, desk.KindHoldStatus, desk.KindSubmit, desk.KindPush,
	desk.KindPull, desk.KindStockQuery, desk.KindHello, desk.KindSealedAnswer, desk.KindEntries,
	desk.KindSignedHead, desk.KindStockAnswer, desk.KindHoldAnswer, desk.KindEntry, desk.KindRequest,
	desk.KindHead, desk.KindShipTo, desk.KindProductRecord, desk.KindStockRecord, desk.KindHoldRecord,
	desk.KindOrderRecord, desk.KindChainRecord, desk.KindPartnershipRecord, desk.KindOutboxRecord,
	desk.KindReservationRecord, desk.KindMetaRecord, desk.KindEvidenceRecord, desk.KindShipToRecord,
	desk.KindFeedRecord, desk.KindFeedHead, desk.KindFeedUpdate, desk.KindFeedPull, desk.KindFeedChunk,
	desk.KindFeedMeta, desk.KindReplicaMeta,
}

// Value makes values of kind k. It panics on a kind that is not in Kinds.
func Value(k desk.Kind) *rapid.Generator[desk.Value] {
	make, ok := makers[k]
	if !ok {
		panic(fmt.Sprintf("gen: no generator for kind %d", k))
	}
	return rapid.Custom(func(t *rapid.T) desk.Value { return make(source{t}) })
}

var makers = map[desk.Kind]func(source) desk.Value{
	desk.KindHold:              func(s source) desk.Value { h := s.holdRequest(); return &h },
	desk.KindRelease:           func(s source) desk.Value { return &desk.Release{ID: s.holdID()} },
	desk.KindExtend:            func(s source) desk.Value { return &desk.Extend{ID: s.holdID(), Until: s.time()} },
	desk.KindHoldStatus:        func(s source) desk.Value { return &desk.HoldStatus{ID: s.holdID()} },
	desk.KindSubmit:            submit,
	desk.KindPush:              func(s source) desk.Value { return &desk.Push{Entries: s.blobs()} },
	desk.KindPull:              func(s source) desk.Value { return &desk.Pull{After: s.number()} },
	desk.KindStockQuery:        stockQuery,
	desk.KindHello:             hello,
	desk.KindSealedAnswer:      func(s source) desk.Value { return &desk.SealedAnswer{Sealed: s.blob()} },
	desk.KindEntries:           func(s source) desk.Value { return &desk.Entries{Entries: s.blobs(), Head: s.number()} },
	desk.KindSignedHead:        func(s source) desk.Value { return &desk.SignedHead{Payload: s.blob(), Signature: s.signature()} },
	desk.KindStockAnswer:       stockAnswer,
	desk.KindHoldAnswer:        holdAnswer,
	desk.KindEntry:             entry,
	desk.KindRequest:           request,
	desk.KindHead:              func(s source) desk.Value { h := s.head(); return &h },
	desk.KindShipTo:            shipTo,
	desk.KindProductRecord:     productRecord,
	desk.KindStockRecord:       stockRecord,
	desk.KindHoldRecord:        holdRecord,
	desk.KindOrderRecord:       orderRecord,
	desk.KindChainRecord:       chainRecord,
	desk.KindPartnershipRecord: partnershipRecord,
	desk.KindOutboxRecord:      outboxRecord,
	desk.KindReservationRecord: reservationRecord,
	desk.KindMetaRecord:        func(s source) desk.Value { return &desk.MetaRecord{Written: s.time(), Stopped: s.text()} },
	desk.KindEvidenceRecord:    evidenceRecord,
	desk.KindShipToRecord:      func(s source) desk.Value { return &desk.ShipToRecord{Salt: s.salt(), Raw: s.blob()} },
	desk.KindFeedRecord:        func(s source) desk.Value { return &desk.FeedProduct{Product: s.product()} },
	desk.KindFeedHead:          feedHead,
	desk.KindFeedUpdate:        feedUpdate,
	desk.KindFeedPull:          feedPull,
	desk.KindFeedChunk:         feedChunk,
	desk.KindFeedMeta:          feedMeta,
	desk.KindReplicaMeta:       replicaMeta,
}
