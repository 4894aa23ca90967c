package message

// Limits of what one message carries. Package protocol holds its own limits against them.

// MaxEntriesBytes bounds the sealed entries of one answer or push. They fit into a message of
// protocol.MaxTradeMessage with their tags, and the longest entry (protocol.MaxSealedEntry) is
// a fraction of them. A test of package protocol holds the constants against each other.
const MaxEntriesBytes = 240 << 10

// MaxSubmitBytes bounds the requests of one Submit, as MaxEntriesBytes does its answer.
const MaxSubmitBytes = 240 << 10

// MaxChunkBytes is the size at which a chunk of a catalog stream is sent: below a frame's
// limit with the largest item added, and small enough that both sides hold little.
const MaxChunkBytes = 128 << 10
