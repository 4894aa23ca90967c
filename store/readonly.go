package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// ReadOnly opens the store in dir for an offline checker, also after kill -9 or a
// power cut, without changing it: it reads a copy in the system's temporary folder, which
// Close removes. (Badger's own read-only mode refuses every folder that was not
// closed.) Commit refuses. It fails with CodeLocked while a process has dir open, and
// with CodeDiskFull where the copy would leave less free than DefaultFreeFloor.
// What Open says of damage applies, as ErrDamaged and without its advice for a shop that
// is to start; the log is checked as that of a synced store.
func ReadOnly(dir string) (*DB, error) {
	used, release, err := inUse(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no store in %s: %w", dir, err)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the folder %s cannot be locked: %w", dir, err)
	}
	if used {
		return nil, lockedError(dir)
	}
	defer release()
	if _, err := os.Stat(filepath.Join(dir, "MANIFEST")); err != nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no store in %s: %w", dir, err)
	}
	if err := roomFor(dir); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "souk-store-*")
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "no temporary folder for a copy of %s: %w", dir, err)
	}
	remove := func() { _ = os.RemoveAll(tmp) }
	if err := copyFolder(tmp, dir); err != nil {
		remove()
		return nil, exchange.Errorf(exchange.CodeInternal, "%s cannot be copied: %w", dir, err)
	}
	d, err := Open(tmp, Options{Sync: true, FreeFloor: -1}) // Sync for the strict check of the log
	if err != nil {
		remove()
		return nil, ofOriginal(err, tmp, dir)
	}
	d.readOnly, d.remove = true, remove
	return d, nil
}

// ErrDamaged is in the chain of ReadOnly's errors about a folder whose files are damaged.
var ErrDamaged = errors.New("the database is damaged")

// damageError is what Open found in the files of a folder: in file, where the error does not
// name it itself.
type damageError struct {
	file string
	err  error
}

func (d damageError) Error() string { return d.err.Error() }
func (d damageError) Unwrap() error { return d.err }

// ofOriginal is what Open said of a copy, said of the folder that was copied.
func ofOriginal(err error, copied, dir string) error {
	says := err.Error()
	var d damageError
	damaged := errors.As(err, &d)
	if damaged {
		says = d.Error()
		if d.file != "" {
			says = d.file + ": " + says
		}
	}
	says = strings.ReplaceAll(says, copied, dir)
	if damaged {
		return exchange.Errorf(exchange.CodeInternal, "%w: %s", ErrDamaged, says)
	}
	return exchange.Errorf(exchange.CodeOf(err), "%s", says)
}

// roomFor refuses a copy that would fill the disk of the temporary folder, on which a
// running shop may live.
func roomFor(dir string) error {
	free := Free(os.TempDir())
	if free < 0 {
		return nil // the disk itself will say
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "%s cannot be read: %w", dir, err)
	}
	need := int64(DefaultFreeFloor)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !strings.HasSuffix(e.Name(), logSuffix) {
			need += info.Size() // a log is mostly hole, and no larger than the floor
		}
	}
	if free < need {
		return exchange.Errorf(exchange.CodeDiskFull, "a copy of %s needs %s in %s, which has %s free; name a folder on a larger disk in the environment variable TMPDIR",
			dir, megabytes(need), os.TempDir(), megabytes(free))
	}
	return nil
}

// copyFolder copies the files of a folder; a database has no folders in it.
func copyFolder(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if err := copySparse(filepath.Join(to, e.Name()), filepath.Join(from, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copySparse leaves holes where the source has zeros: a WAL is a file of twice the
// memtable, mostly hole.
func copySparse(to, from string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	buf, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	var size int64
	for {
		n, err := io.ReadFull(src, buf)
		if n > 0 && !bytes.Equal(buf[:n], zeros[:n]) {
			if _, err := dst.WriteAt(buf[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return dst.Truncate(size)
		}
		if err != nil {
			return err
		}
	}
}
