package store

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
)

// space watches the free bytes of a disk against a floor. After a refusal it
// wants an eighth more than the floor before it lets commits through again, so that a
// disk at the edge does not alarm with every commit.
type space struct {
	dir   string
	floor int64 // 0 = none
	free  func(dir string) (int64, error)
	log   *slog.Logger
	low   atomic.Pointer[exchange.Error] // set while commits are refused
}

// check returns the refusal of a commit, or nil. Only the holder of the
// commit lock calls it.
func (s *space) check() error {
	if s.floor == 0 {
		return nil
	}
	free, err := s.free(s.dir)
	if err != nil {
		// Not knowing is no reason to stop a shop: the disk itself will say.
		s.log.Warn("the free space of the disk cannot be read", "dir", s.dir, "err", err)
		return nil
	}
	was := s.low.Load()
	need := s.floor
	if was != nil {
		need += s.floor / 8
	}
	if free >= need {
		if was != nil {
			s.low.Store(nil)
			s.log.Info("the disk has room again; commits are accepted", "dir", s.dir, "free", free)
		}
		return nil
	}
	e := s.refusal(free, need)
	s.low.Store(e)
	if was == nil {
		s.log.Error("ALARM: the disk is almost full; commits are refused", "dir", s.dir, "free", free, "floor", s.floor)
	}
	return e
}

// Free is how many bytes an unprivileged process may still write to the disk of dir; -1
// where it cannot be told.
func Free(dir string) int64 {
	free, err := freeBytes(dir)
	if err != nil {
		return -1
	}
	return free
}

func (s *space) refusal(free, need int64) *exchange.Error {
	return refusal(exchange.CodeDiskFull, "the disk of %s has %s free and the shop writes only from %s on; delete or move files, or give it a larger disk",
		s.dir, megabytes(free), megabytes(need))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
