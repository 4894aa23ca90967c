package desk

// What one shop may make this one keep.
const (
	StrangerEntries = strangerEntries
	ProposalsADay   = proposalsADay
	RefusedRequests = refusedRequests
	RefusedHolds    = refusedHolds
)
