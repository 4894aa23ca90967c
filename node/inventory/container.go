package inventory

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/souk-market/souk/exchange"
)

// A file may come in gzip or in a zip archive with one data file. It is unpacked
// once, to a temporary file; what is in it is not unpacked again.

// How much an archive may grow: what the first freeGrowth bytes of text take, and
// beyond that maxGrowth times what is packed. Product files shrink to a tenth or a
// fiftieth; deflate can reach 1,032, which is what a bomb is made of.
const (
	freeGrowth = 64 << 20
	maxGrowth  = 200
)

// maxDirectory bounds what is read of a zip archive's directory: some 10,000 files.
const maxDirectory = 1 << 20

var errTooBig = exchange.Errorf(exchange.CodeInvalid, "the archive unpacks to more than %d times its size; unpack it yourself, and look whether it holds what you expect", maxGrowth)

// unpack replaces a packed file by what is in it.
func (s *source) unpack(ctx context.Context) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	packed := s.size
	limit := func(r io.Reader) io.Reader { return &growth{r: r, left: freeGrowth + maxGrowth*packed} }
	switch {
	case isGzip(head):
		r, err := gzip.NewReader(s.whole())
		if err != nil {
			return unpackError(err)
		}
		err = s.rewrite(ctx, func(io.Reader) io.Reader { return limit(r) })
		return unpackError(err)
	case isZip(head):
		f, err := s.zipped()
		if err != nil {
			return err
		}
		if f.UncompressedSize64 > MaxFileBytes {
			return errFileTooLong
		}
		r, err := f.Open()
		if err != nil {
			return unpackError(err)
		}
		defer r.Close()
		err = s.rewrite(ctx, func(io.Reader) io.Reader { return limit(r) })
		return unpackError(err)
	}
	return nil
}

func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

// unpackError says that it is the archive that cannot be read.
func unpackError(err error) error {
	var coded *exchange.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm),
		errors.Is(err, io.ErrUnexpectedEOF), isCorrupt(err):
		return exchange.Errorf(exchange.CodeInvalid, "the archive is damaged or cut off: %w; export or pack it again", err)
	case errors.As(err, &coded):
		return err
	}
	return readError(err)
}

// growth is a reader that ends where an archive grows beyond measure.
type growth struct {
	r    io.Reader
	left int64
}

func (g *growth) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	if g.left -= int64(n); g.left < 0 {
		return 0, errTooBig
	}
	return n, err
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }

func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// zipped is the one data file of a zip archive.
func (s *source) zipped() (*zip.File, error) {
	directory := &limitedAt{at: io.NewSectionReader(s.at, s.base, s.size), left: maxDirectory}
	archive, err := zip.NewReader(directory, s.size)
	if directory.left < 0 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the zip archive holds too many files; pack the one product file alone")
	}
	if err != nil {
		return nil, unpackError(err)
	}
	directory.open = true // what is read from here on is the file itself
	var files []*zip.File
	for _, f := range archive.File {
		if !f.FileInfo().IsDir() && !isClutter(f.Name) {
			files = append(files, f)
		}
	}
	if kind := office(files); kind != "" {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s", kind)
	}
	if len(files) > 1 { // a picture or a read-me beside the data does no harm
		if data := slices.DeleteFunc(slices.Clone(files), func(f *zip.File) bool { return !isData(f.Name) }); len(data) > 0 {
			files = data
		}
	}
	switch {
	case len(files) == 0:
		return nil, exchange.Errorf(exchange.CodeInvalid, "the zip archive holds no file")
	case len(files) > 1:
		return nil, exchange.Errorf(exchange.CodeInvalid, "the zip archive holds %d files: %s; unpack it and import the one with the products", len(files), fileNames(files))
	case files[0].Flags&1 != 0:
		return nil, exchange.Errorf(exchange.CodeInvalid, "the zip archive is locked with a password; unpack it and import %s", fileNames(files))
	}
	return files[0], nil
}

// limitedAt bounds what is read while it is not open.
type limitedAt struct {
	at   io.ReaderAt
	left int64
	open bool
}

func (l *limitedAt) ReadAt(p []byte, off int64) (int, error) {
	if !l.open {
		if l.left -= int64(len(p)); l.left < 0 {
			return 0, errTooBig
		}
	}
	return l.at.ReadAt(p, off)
}

// isClutter names what operating systems add to an archive.
func isClutter(name string) bool {
	base := path.Base(name)
	switch strings.ToLower(base) {
	case ".ds_store", "thumbs.db", "desktop.ini":
		return true
	}
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "._")
}

func isData(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson":
		return true
	}
	return false
}

// fileNames lists files for a message.
func fileNames(files []*zip.File) string {
	const most = 8
	var names []string
	for _, f := range files {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		name, _ := plainLine(strings.ToValidUTF8(f.Name, "?"), maxNameShown)
		names = append(names, fmt.Sprintf("%q", name))
	}
	return strings.Join(names, ", ")
}

// office tells a workbook or document, which is a zip archive too, and says how to
// get a CSV file of it.
func office(files []*zip.File) string {
	has := func(name string) bool {
		return slices.ContainsFunc(files, func(f *zip.File) bool {
			return f.Name == name || strings.HasPrefix(f.Name, name) && strings.HasSuffix(name, "/")
		})
	}
	switch {
	case has("xl/"):
		return refusedExcel
	case has("[Content_Types].xml"):
		return refusedDocument
	case has("content.xml") && has("mimetype"):
		return refusedOpenDocument
	case has("Index/") || has("Index.zip"):
		return refusedNumbers
	}
	return ""
}

// Why files that are no text are refused, and the way to one that is.
const (
	refusedExcel        = "the file is an Excel workbook; open it in Excel and save the sheet with the products as \"CSV UTF-8 (comma delimited)\", or better import the CSV file that your shop exported"
	refusedOpenDocument = "the file is a LibreOffice (OpenDocument) spreadsheet; save the sheet with the products as \"Text CSV\", with the character set UTF-8"
	refusedNumbers      = "the file is a Numbers spreadsheet; in Numbers choose File > Export To > CSV, with the text encoding Unicode (UTF-8)"
	refusedDocument     = "the file is an Office document and holds no table of products; give the product export of your shop, a CSV file"
	refusedPDF          = "the file is a PDF, which nothing can be read from safely; give the product export of your shop, a CSV file"
	refusedPage         = "the file is a web page or XML, perhaps a page that was saved in place of the export; download the product export of your shop, a CSV file, once more"
	refusedBinary       = "the file is no text but a picture, a document, a program or the like, or it is damaged; give the product export of your shop"
	refusedTar          = "the file is a tar archive; unpack it and import the file with the products"
	refusedTwice        = "the file was packed twice; unpack it once and import what comes out"
	refusedEmpty        = "the file is empty"
)

// refused names the kinds of file that people hand in by mistake; "" is text.
func refused(head []byte, unpacked bool) string {
	text := bytes.TrimLeftFunc(head, unicode.IsSpace)
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return refusedPDF
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return refusedExcel
	case unpacked && (isGzip(head) || isZip(head)):
		return refusedTwice
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return refusedTar
	case len(text) == 0:
		return refusedEmpty
	case isBinary(head):
		return refusedBinary
	case text[0] == '<':
		return refusedPage
	}
	return ""
}

// controlShare is how few of a text's bytes are control characters: one in 100.
// Of compressed or random bytes it is every ninth.
const controlShare = 100

// isBinary tells what is no text: a NUL in its first line, which every header of a
// picture, an archive or a program has soon, or control characters all over.
func isBinary(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(line, 0) >= 0 {
		return true
	}
	controls := 0
	for _, c := range head {
		if c < ' ' && (c < '\t' || c > '\r') || c == 0x7f {
			controls++
		}
	}
	return controls > 1 && controls*controlShare > len(head)
}
