package writer

// How large a batch may grow. All counts are estimates from above.

// writeOverhead is what the store counts for a write besides its key and value.
const writeOverhead = 16

// Empty reports whether a commit would change nothing.
func (b *Batch) Empty() bool { return b.bare() && len(b.w.kept) == 0 }

// bare reports whether no operation has written anything: what is kept adds no row.
func (b *Batch) bare() bool { return b.rows+len(b.writes)+len(b.leaves) == 0 }

// Writes is how many rows a commit would write.
func (b *Batch) Writes() int { return len(b.writes) + b.rows + len(b.leaves) + 1 }

func (b *Batch) size() (bytes, writes int) {
	writes = b.Writes()
	return b.bytes + writes*writeOverhead, writes
}

// Full reports whether another operation of usual size might pass the store's limits.
func (b *Batch) Full() bool {
	const worst = 256 // writes of one operation: exchange.MaxLines lines, their marks and indexes
	bytes, writes := b.size()
	return bytes > b.w.cfg.Limits.BatchBytes/2 || writes+worst > b.w.cfg.Limits.BatchWrites
}

// over reports whether what has run may have passed the store's limits.
func (b *Batch) over() bool {
	bytes, writes := b.size()
	return bytes > b.w.cfg.Limits.BatchBytes || writes > b.w.cfg.Limits.BatchWrites
}

// Share is what one operation may add to a batch before it goes on in another.
type Share struct{ bytes, writes int }

// Share begins an operation that does many things, each of them complete by itself:
// between two of them it asks Spent, and goes on in another operation. A quarter of
// the limits fits a batch that is not full, and leaves room for the greatest thing
// there is (an order's record, protocol.MaxRecord).
func (b *Batch) Share() Share {
	bytes, writes := b.size()
	return Share{bytes + b.w.cfg.Limits.BatchBytes/4, writes + b.w.cfg.Limits.BatchWrites/4}
}

// Spent reports whether the share is used up.
func (s Share) Spent(b *Batch) bool {
	bytes, writes := b.size()
	return bytes > s.bytes || writes > s.writes
}
