// Package wake tells a goroutine that there is something to do, without waiting for it and
// without saying what: whoever is woken looks for itself. Any number of [Signal.Set] before
// it looks are one.
package wake
