package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/exchange"
)

// ReadOnly opens the store in dir for an offline checker, also after kill -9 or a
// power cut, without changing it: it reads a copy in the system's temporary folder, which
// Close removes. (Badger's own read-only mode refuses every folder that was not
// closed.) Commit refuses. It fails with CodeLocked while a process has dir open.
// What Open says of damage applies; the log is checked as that of a synced store.
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
		return nil, err
	}
	d.readOnly, d.remove = true, remove
	return d, nil
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
