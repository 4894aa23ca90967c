package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// activeLog syncs the log that Badger writes to. Badger's own SyncWrites syncs the
// empty value log with every commit as well, which takes half as long again, and never
// syncs the folder in which it starts a new log.
//
// It rests on three facts: logs are numbered one after another, a transaction
// goes into the newest, and only a transaction starts a new one. The holder of the commit
// lock is the only one to write, so after its transaction the newest log has it.
type activeLog struct {
	dir    string
	number int64
	file   *os.File
}

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
	l.file, err = os.OpenFile(logPath(dir, l.number), os.O_RDWR, 0)
	return l, err
}

// sync makes the last transaction durable. The log before, if Badger has gone
// on to another, was synced with the last transaction in it.
func (l *activeLog) sync() error {
	for {
		next, err := os.OpenFile(logPath(l.dir, l.number+1), os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return syncData(l.file)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(l.file.Close(), syncDir(l.dir)); err != nil {
			return errors.Join(err, next.Close())
		}
		l.file = next
		l.number++
	}
}

func (l *activeLog) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
