package testnet

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/souk-market/souk/exchange"
)

// madeFolders is made.json, packed with the folders: what is in them, by what the binary
// that wrote them has shown.
type madeFolders struct {
	Version      string                      `json:"version"` // the commit
	Made         time.Time                   `json:"made"`    // when the last process had stopped
	Shops        []madeMember                `json:"shops"`
	Orders       map[string]exchange.OrderID `json:"orders"`
	Reservations map[string]exchange.HoldID  `json:"reservations"`
	Keyed        map[string]keyedCall        `json:"keyed"`
	// Shown is what each shop answered last to GET, by folder and path, with no other
	// shop running.
	Shown map[string]map[string]json.RawMessage `json:"shown"`
}

type madeMember struct {
	Name   string          `json:"name"`
	Folder string          `json:"folder"`
	Shop   exchange.ShopID `json:"shop"`
}

// keyedCall is a POST that carried an Idempotency-Key, and its answer.
type keyedCall struct {
	Shop   string `json:"shop"` // its folder
	Path   string `json:"path"`
	Key    string `json:"key"`
	Body   string `json:"body"` // byte by byte: another one is another request
	Answer string `json:"answer"`
}

const (
	foldersRoot = "testdata/folders"
	packedName  = "folders.tar.zst"
	madeName    = "made.json"
)

// pack writes the hub's folder and those of the shops, all stopped, to testdata.
func (m *folderMaker) pack(shops ...*madeShop) {
	m.t.Helper()
	m.written.Made = time.Now().UTC().Truncate(time.Millisecond)
	b, err := json.MarshalIndent(m.written, "", "\t")
	m.must("what was made", err)
	m.must("writing", os.WriteFile(filepath.Join(m.dir, madeName), append(b, '\n'), 0o600))
	names := []string{madeName, hubFolder}
	for _, s := range shops {
		names = append(names, s.folder)
	}
	out := filepath.Join(foldersRoot, m.written.Version)
	m.must("the folder", os.MkdirAll(out, 0o755))
	packed, err := packFolders(os.DirFS(m.dir), names)
	m.must("packing", err)
	m.must("writing", os.WriteFile(filepath.Join(out, packedName), packed, 0o644))
	m.t.Logf("%d bytes", len(packed))
}

// packFolders is a tar of folders and files, compressed. Names are in order and times left
// out, so that the same files make the same bytes.
func packFolders(root fs.FS, names []string) ([]byte, error) {
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(slices.Values(names)) {
		err := fs.WalkDir(root, name, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || left(d):
				return err
			case d.IsDir():
				return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: 0o700, Format: tar.FormatPAX})
			}
			b, err := fs.ReadFile(root, path)
			if err != nil {
				return err
			}
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o600, Size: int64(len(b)), Format: tar.FormatPAX}); err != nil {
				return err
			}
			_, err = w.Write(b)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	err = errors.Join(w.Close(), z.Close())
	return packed.Bytes(), err
}

// left reports what is no part of a stopped folder: logs, locks and sockets.
func left(d fs.DirEntry) bool {
	return !d.IsDir() && (!d.Type().IsRegular() || d.Name() == logName || strings.HasSuffix(strings.ToLower(d.Name()), "lock"))
}

// unpackFolders is the inverse of packFolders.
func unpackFolders(packed io.Reader, dir string) error {
	z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(h.Name) {
			return &fs.PathError{Op: "unpack", Path: h.Name, Err: fs.ErrInvalid}
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = unpackFile(path, r)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// readMade reads made.json among unpacked folders.
func readMade(dir string) (*madeFolders, error) {
	b, err := os.ReadFile(filepath.Join(dir, madeName))
	if err != nil {
		return nil, err
	}
	made := new(madeFolders)
	return made, json.Unmarshal(b, made)
}
