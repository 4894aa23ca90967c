package view

import "time"

// Bridge says how the shop stands with its own system, where that keeps the stock.
type Bridge struct {
	On         bool        `json:"on" doc:"The shop's own system has the authority over its stock: it is asked before anything is promised."`
	State      string      `json:"state" enum:"none,up,down,setup" doc:"none: there is no bridge. down: the system does not answer, so nothing can be reserved. setup: the bridge is set up wrongly; last_error says what to mend."`
	Since      *time.Time  `json:"since,omitempty" doc:"Since when it is down."`
	Trial      *time.Time  `json:"trial,omitempty" doc:"When it is tried again."`
	Asking     int         `json:"asking" doc:"Holds that the system is being asked for now."`
	Untold     int         `json:"untold" doc:"Commits and releases that the system has not answered; they are sent until it does."`
	Oldest     *time.Time  `json:"oldest_untold,omitempty"`
	LastError  string      `json:"last_error,omitempty" doc:"What went wrong last; it stays when the system answers again."`
	LastFailed *time.Time  `json:"last_failed,omitempty"`
	LastAnswer *time.Time  `json:"last_answer,omitempty" doc:"When the system last answered."`
	Compared   *time.Time  `json:"compared,omitempty" doc:"When what is open there was last compared with what is open here."`
	Denied     uint64      `json:"denied" doc:"Orders since the start whose goods the system did not have, though it had set them aside: they were rejected."`
	Lost       uint64      `json:"lost" doc:"Holds since the start that the system has lost, and did not set aside again."`
	Unknown    uint64      `json:"unknown" doc:"Orders there that this shop does not know."`
	Suspended  bool        `json:"suspended" doc:"Partners are told that nothing is available."`
	Calls      BridgeCalls `json:"calls"`
}

// BridgeCalls counts calls of the system since the start.
type BridgeCalls struct {
	Hold    uint64 `json:"hold"`
	Commit  uint64 `json:"commit"`
	Release uint64 `json:"release"`
	Failed  uint64 `json:"failed" doc:"Of all: without an answer, or with a wrong one."`
}
