package p2p

import "golang.org/x/time/rate"

// SetRequestRate replaces requestRate and requestBurst on a node that has not started.
func (n *Node) SetRequestRate(perSecond rate.Limit, burst int) {
	n.sessions.limiter = func() *rate.Limiter { return rate.NewLimiter(perSecond, burst) }
}
