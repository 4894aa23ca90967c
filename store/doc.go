// Package store keeps a shop's state on its disk. It implements kv.Store
// (get, ordered scan, one atomic durable batch) over opaque bytes and is the
// only package that imports Badger. What the bytes mean, package record and the
// codec say; nothing here decodes them.
//
// The small files beside the database are written by package store/durable, and the
// configuration among them is read by package store/tomlfile.
//
// # Three ways to open
//
//   - [Open] serves a running shop: one process, a folder of its own.
//   - [ReadOnly] serves a checker: it copies a folder that no process uses and
//     reads the copy, so a folder left by kill -9 is judged without being touched.
//   - [Memory] serves simulations: sorted, deterministic, without goroutines, with
//     cheap clones and injected faults. It keeps the same limits.
//
// All three pass the conformance suite of package storetest, which is what a
// store over another database has to pass too.
//
// # Profiles
//
// A [Ledger] holds what cannot be had again: it is opened with Options.Sync,
// so a Commit that returned nil survives a power cut. A [Replica] holds a copy of a
// partner's catalog: unsynced, smaller, rebuilt by a pull. An unsynced store that
// lost power comes back as it was some commits ago.
//
// # On disk
//
// A folder is one Badger v4 database and nothing else. Every key is stored with a
// one-byte space before it:
//
//	0x00 "format"   the decimal number of the store's format, ASCII
//	0x01 key        the value of the caller's key
//
// so a caller may use any key of 1 to [MaxKeyBytes] bytes, Badger's own included.
// Values stay under Badger's value threshold of 1 MiB ([MaxValueBytes]); its value
// log therefore stays empty, no garbage collection has to run, and what a Commit
// makes durable is a single write-ahead log (WAL). Nothing is compressed: blocks are
// read in place from the page cache, no block cache is needed, and tables can
// be verified as they are.
//
// # Format and upgrades
//
// The format is written in the first commit of a new folder. This version of
// Souk reads and writes format 1. A folder of a newer format is refused with
// exchange.CodeVersion and is not changed; run the newer Souk. A release that
// raises the format reads every older one and rewrites the folder in Open: new keys
// first, the format number in the last commit, so that an interrupted upgrade
// starts over. Going back to an older release is by restoring a backup.
//
// # One commit
//
// Commit checks the limits, then that the disk's free space is above the floor,
// then hands Badger one transaction, which it writes to the WAL, and syncs that
// file (activeLog says why Badger does not do it itself). Commits run one at a
// time. That costs nothing: Badger does not share a sync between transactions, and callers
// that want throughput put more into a batch. It also gives the WAL the property by which
// Open distinguishes damage from a crash; see below.
//
// A refusal wraps kv.ErrRefused and wrote nothing. Any other error means that
// nobody knows what is on the disk: the store then refuses every further call with
// that error, reads included, so that no answer rests on bytes that may be gone. The
// owner ends the process and opens again.
//
// A read waits for the commit in flight, if there is one, and so never returns what is
// not durable yet.
//
// Badger writes through memory maps. A disk that fills up meanwhile arrives as
// SIGBUS and kills the process: nothing acknowledged is lost, but the shop is
// down. Hence the floor ([DefaultFreeFloor]): below it every commit is refused with
// exchange.CodeDiskFull, DB.Healthy says so, and one alarm is logged. Open refuses to
// start where it could not even replay its logs.
//
// # Damage
//
// What a flipped bit or a truncated file does, and who notices:
//
//   - In a table (*.sst): its checksums. Open reads and verifies every table before
//     Badger does and refuses a damaged one; DB.Verify does the same on a running
//     store. Badger itself panics over a damaged index, and its reads take a block
//     that fails to verify for one that lacks the key.
//   - In the WAL (*.mem): Badger stops replaying at the first entry that does not
//     verify, drops what follows and opens without a word. So Open reads the WAL
//     first. Transactions are numbered without gaps and only the last can have been
//     cut short by a crash, for commits run one at a time and each is synced; an intact
//     entry of a later transaction behind a break, or a gap, is damage, and Open refuses the
//     folder (CodeInternal) until the owner restores it or sets Options.AcceptLoss.
//     Damage to the very last transaction looks like a crash and cannot be noticed here.
//   - In MANIFEST, or a table missing: Badger refuses most of it. It would delete
//     tables that a MANIFEST cut short no longer names; Open refuses that folder.
//     A missing WAL that was the only one is not noticed here.
//
// What cannot be noticed here is noticed above: the hash chains of the ledgers
// are verified at start and their heads compared with the partners'.
package store
