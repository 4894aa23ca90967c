package message

// Limits of what one message carries. Package protocol holds its own limits against them.

// MaxEntriesBytes bounds the sealed entries of one answer or push: a message of
// the trade protocol is 256 KiB at most, its tags included, and one entry (an order
// of 64 lines, its quote inside its request) may be 53 KiB. A test holds it against
// the limits of package protocol.
const MaxEntriesBytes = 240 << 10

// MaxSubmitBytes bounds the requests of one Submit, as MaxEntriesBytes does its answer.
const MaxSubmitBytes = 240 << 10

// MaxChunkBytes is the size at which a chunk of a catalog stream is sent: below a frame's
// limit with the largest item added, and small enough that both sides hold little.
const MaxChunkBytes = 128 << 10
