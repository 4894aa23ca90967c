package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/store/durable"
)

// activeLog syncs the log that Badger writes to. Badger's own SyncWrites syncs the
// empty value log with every commit as well, which takes half as long again, and never
// syncs the folder in which it starts a new log.
//
// It rests on three facts: logs are numbered one after another, a transaction
// goes into the newest, and only a transaction starts a new one. The holder of the commit
// lock is the only one to write, so after its transaction the newest log has it.
//
// Badger makes a log sparse. A sync that must find blocks for what was written waits
// for the file system's journal, and with it for whatever else the machine is writing; so
// the log is filled with zeros ahead of what is written, aheadBytes at a time, and most
// syncs write data alone. On ext4 that takes a third off a commit.
type activeLog struct {
	dir    string
	number int64
	file   *os.File
	size   int64 // of file, which Badger sets when it makes the log
	wrote  int64 // where the transactions in it end, from above
	filled int64 // below it the file has blocks
}

const (
	// aheadBytes is what is filled at once: a megabyte is hundreds of commits of a quiet
	// shop, and takes the disk as long as one of them.
	aheadBytes = 1 << 20

	// maxFilled is the largest commit that is filled for, a batch of some 20 holds. What
	// larger ones write takes longer than finding blocks for it, and writing it twice
	// costs a busy shop 8% of its holds.
	maxFilled = 32 << 10
)

func logPath(dir string, number int64) string {
	return filepath.Join(dir, fmt.Sprintf("%05d%s", number, logSuffix))
}

// openActiveLog finds the newest log of a folder that Badger has just opened.
func openActiveLog(dir string) (*activeLog, error) {
	names, err := logNames(dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("there is no log")
	}
	l := &activeLog{dir: dir}
	if l.number, err = logNumber(names[len(names)-1]); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(logPath(dir, l.number), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return l, l.begin(file)
}

func (l *activeLog) begin(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.size, l.wrote, l.filled = file, info.Size(), logHeader, 0
	return nil
}

// sync makes the last transaction durable; wrote is its size from above. The log
// before, if Badger has gone on to another, was synced with the last transaction in it.
func (l *activeLog) sync(wrote int64) error {
	for {
		next, err := os.OpenFile(logPath(l.dir, l.number+1), os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			l.fill(wrote)
			return syncData(l.file)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(l.file.Close(), durable.SyncDir(l.dir)); err != nil {
			return errors.Join(err, next.Close())
		}
		if err := l.begin(next); err != nil {
			return err
		}
		l.number++
	}
}

// fill keeps the log filled ahead of what is written. It writes zeros only where the
// file system knows of no data, and only behind where the transactions end at most, so
// it cannot touch what Badger has written. Where it fails, commits are slower and no worse.
func (l *activeLog) fill(wrote int64) {
	l.wrote += wrote
	if wrote > maxFilled || l.filled-l.wrote > aheadBytes/4 || l.filled == l.size {
		return
	}
	const page = 4096
	from, to := hole(l.file, (max(l.wrote, l.filled)+page-1)/page*page, l.size)
	if from == to {
		l.filled = l.size // there is nothing to fill, or no way to tell
		return
	}
	// In pages: of a larger write the page cache makes larger pieces, and a byte that
	// changes in one has all of it written again.
	var zeros [page]byte
	for to = min(to, from+aheadBytes); from < to; from += page {
		if _, err := l.file.WriteAt(zeros[:min(page, to-from)], from); err != nil {
			return
		}
	}
	l.filled = to
}

func (l *activeLog) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
