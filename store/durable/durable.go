package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// tempPrefix begins the name of a file that Write has not renamed yet.
const tempPrefix = ".souk-write-"

// IsTemp reports whether a file of this name is what a crash in Write left behind. It may be removed.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// Write replaces path, or makes it, with the permissions mode whatever the umask and the
// old file's are. A symbolic link is replaced, not followed. After an error path is the old
// file, or, where the folder could not be synced, the new one.
func Write(path string, b []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*")
	if err != nil {
		return failed(path, err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	if err = fill(f, b, mode); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	return failed(path, err)
}

// Create is Write for a path that must not exist yet, else the error is [fs.ErrExist].
// After any other error the file is not there, or not whole and could not be removed.
func Create(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return failed(path, err)
	}
	if err = fill(f, b, mode); err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return failed(path, err)
}

// fill writes all of f, to the disk, and closes it.
func fill(f *os.File, b []byte, mode fs.FileMode) error {
	_, err := f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func failed(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s could not be written: %w", path, err)
}

// SyncDir makes the names in a folder survive a power cut. Windows cannot sync a folder: there
// it does nothing, and NTFS's journal has to do.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
