package event

import "context"

// KeepAtMost sets how many events the log keeps.
func (l *Log) KeepAtMost(n uint64) { l.maxKept = n }

// Now is all that the follower can be told without waiting.
func (f *Follower) Now() (list []Told, err error) {
	for len(f.queue) > 0 || f.next <= f.log.Last().Number || !f.live || len(f.watch) > 0 {
		ctx, stop := context.WithCancel(context.Background())
		if len(f.queue) == 0 && f.next > f.log.Last().Number && f.live {
			f.hear(<-f.watch) // Next may wait where this was told before
			stop()
			continue
		}
		t, err := f.Next(ctx)
		stop()
		if err != nil {
			return list, err
		}
		list = append(list, t)
	}
	return list, nil
}

// InMemory is how many events the follower has in memory.
func (f *Follower) InMemory() int { return len(f.queue) + len(f.watch) }
