package message

// Kind implementations, in the order of the constants.

func (*Hold) Kind() Kind         { return KindHold }
func (*Release) Kind() Kind      { return KindRelease }
func (*Extend) Kind() Kind       { return KindExtend }
func (*HoldStatus) Kind() Kind   { return KindHoldStatus }
func (*Submit) Kind() Kind       { return KindSubmit }
func (*Push) Kind() Kind         { return KindPush }
func (*Pull) Kind() Kind         { return KindPull }
func (*StockQuery) Kind() Kind   { return KindStockQuery }
func (*SealedAnswer) Kind() Kind { return KindSealedAnswer }
func (*Entries) Kind() Kind      { return KindEntries }
func (*SignedHead) Kind() Kind   { return KindSignedHead }
func (*StockAnswer) Kind() Kind  { return KindStockAnswer }

func (*HoldAnswer) Kind() Kind { return KindHoldAnswer }
func (*Entry) Kind() Kind      { return KindEntry }
func (*Request) Kind() Kind    { return KindRequest }
func (*Head) Kind() Kind       { return KindHead }
func (*ShipTo) Kind() Kind     { return KindShipTo }
