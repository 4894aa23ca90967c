package node

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/store/tomlfile"
)

// SourceConfig is one [[source]] table: a file or system from which products are imported.
type SourceConfig struct {
	Name         string   `toml:"name" comment:"As in souk catalog import --source; a file without one has its format for a name."`
	StockFigure  string   `toml:"stock_figure,omitempty" comment:"What its stock figure means: on-hand, free or free-unaware."`
	BookedWithin string   `toml:"booked_within,omitempty" comment:"How soon that system books Souk's orders, such as 10m."`
	ClockSlack   string   `toml:"clock_slack,omitempty" comment:"How far that system's clock and this machine's may be apart, such as 60s; 0s where they are one clock."`
	Columns      string   `toml:"columns,omitempty" comment:"How the columns of its CSV are named, as in --columns."`
	Locations    []string `toml:"locations,omitempty" comment:"The places whose counts are added up; none = all."`
}

const (
	// bookedWithin is how soon a system books Souk's orders, unless its owner says otherwise.
	bookedWithin = 10 * time.Minute
	// maxBookedWithin is as far back as a journal is sure to reach.
	maxBookedWithin = 7 * 24 * time.Hour
	// maxClockSlack is far more than the clocks of two machines are apart that ask a time server.
	maxClockSlack = 24 * time.Hour
	// futureSlack is how far into the future of this machine a file may be dated.
	futureSlack = time.Minute
)

// Sources are all that products were imported from or that shop.toml names, by name.
func (s *Shop) Sources(context.Context) ([]api.SourceInfo, error) {
	known, err := s.desk.Shelf.Sources()
	if err != nil {
		return nil, err
	}
	for _, c := range s.parts.Config.Sources {
		if !slices.ContainsFunc(known, func(src record.Source) bool { return src.Name == c.Name }) {
			known = append(known, record.Source{Name: c.Name})
		}
	}
	slices.SortFunc(known, func(a, b record.Source) int { return strings.Compare(a.Name, b.Name) })
	list := make([]api.SourceInfo, len(known))
	for i, rec := range known {
		src := source{Source: rec}
		if err := src.settle(s.parts.Config.Sources, api.ImportOptions{}); err != nil {
			return nil, err
		}
		list[i] = api.SourceInfo{Source: src.Source, Configured: slices.ContainsFunc(s.parts.Config.Sources, func(c SourceConfig) bool { return c.Name == rec.Name })}
	}
	return list, nil
}

// checkSources checks the [[source]] tables.
func checkSources(list []SourceConfig) error {
	var names []string
	for i, c := range list {
		key := fmt.Sprintf("source[%d]", i+1)
		if err := checkSourceName(c.Name); err != nil {
			return tomlfile.AtKey(key+".name", err)
		}
		if slices.Contains(names, c.Name) {
			return tomlfile.AtKey(key+".name", exchange.Errorf(exchange.CodeInvalid, "two sources are called %s", c.Name))
		}
		names = append(names, c.Name)
		if _, err := record.ParseFigure(c.StockFigure); err != nil {
			return tomlfile.AtKey(key+".stock_figure", err)
		}
		if _, err := readSpan(c.BookedWithin, checkBooked); err != nil {
			return tomlfile.AtKey(key+".booked_within", err)
		}
		if _, err := readSpan(c.ClockSlack, checkSlack); err != nil {
			return tomlfile.AtKey(key+".clock_slack", err)
		}
		if _, err := inventory.ParseColumns(c.Columns); err != nil {
			return tomlfile.AtKey(key+".columns", err)
		}
	}
	return nil
}

// checkSourceName holds a source's name to what a SKU may be: it is a part of a key and is shown.
func checkSourceName(name string) error {
	if _, err := exchange.ParseSKU(name); err != nil {
		return exchange.Errorf(exchange.CodeInvalid, "the name of a source is 1 to %d bytes of visible text, not %.40q", exchange.MaxSKU, name)
	}
	return nil
}

// readSpan reads a span of time such as "10m" and checks it; nil where nothing is said.
func readSpan(text string, check func(time.Duration) error) (*time.Duration, error) {
	if text == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%.40q is no span of time such as 10m or 90s", text)
	}
	return &d, check(d)
}

func checkSlack(d time.Duration) error {
	if d < 0 || d > maxClockSlack {
		return exchange.Errorf(exchange.CodeInvalid, "two clocks are 0 to %s apart, not %s; set the machine's clock", exchange.Span(maxClockSlack), exchange.Span(d))
	}
	return nil
}

func checkBooked(d time.Duration) error {
	if d < 0 || d > maxBookedWithin {
		return exchange.Errorf(exchange.CodeInvalid, "a system books orders within 0 to %s, not %s", exchange.Span(maxBookedWithin), exchange.Span(d))
	}
	return nil
}

// source is the file or system of one import: its settings, and when its file was read.
type source struct {
	record.Source // as the last import left it, with the settings of this one
	statement     shelf.Statement
	digest        [32]byte      // of the file
	asOf          exchange.Time // as stated; 0 = not
	columns       inventory.Columns
	explicit      bool // the owner named it
	older         bool // the file is surely older than its last: it is read and changes nothing
}

// sourceOf finds the source of a file, whose start it reads, and settles what its figures mean:
// what is said with the import goes before shop.toml, and that before what was said with an
// earlier import.
func (s *Shop) sourceOf(ctx context.Context, file io.ReadSeeker, digest [32]byte, o api.ImportOptions) (*source, error) {
	src := &source{explicit: o.Source != ""}
	name := o.Source
	if name == "" {
		columns, err := inventory.ParseColumns(o.Columns)
		if err != nil {
			return nil, err
		}
		format, err := inventory.Detect(ctx, file, inventory.Options{Format: o.Format, Columns: columns, TempDir: s.parts.TempDir})
		if err != nil {
			return nil, err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		name = sourceName(format)
	}
	if err := checkSourceName(name); err != nil {
		return nil, err
	}
	var err error
	if src.Source, err = s.desk.Shelf.Source(name); err != nil {
		return nil, err
	}
	if err := src.settle(s.parts.Config.Sources, o); err != nil {
		return nil, err
	}
	if err := src.date(digest, o, s.desk.Shelf.Now()); err != nil {
		return nil, err
	}
	all, err := s.desk.Shelf.Sources()
	src.statement.Others = slices.ContainsFunc(all, func(other record.Source) bool { return other.Name != name })
	return src, err
}

// sourceName is the name of a source that its owner did not name. Shopify's products and its
// stock are two files of one system.
func sourceName(f inventory.Format) string {
	if f == inventory.FormatShopifyInventory {
		f = inventory.FormatShopify
	}
	return string(f)
}

// settle takes the settings of shop.toml and of this import.
func (src *source) settle(configured []SourceConfig, o api.ImportOptions) error {
	if src.Ended == 0 { // nothing was imported from it, so nothing is kept
		src.BookedWithin, src.ClockSlack = bookedWithin, record.DefaultClockSlack
	}
	for _, c := range configured {
		if c.Name != src.Name {
			continue
		}
		if f, _ := record.ParseFigure(c.StockFigure); c.StockFigure != "" { // checked with the file
			src.Figure = f
		}
		if d, err := readSpan(c.BookedWithin, checkBooked); err == nil && d != nil {
			src.BookedWithin = *d
		}
		if d, err := readSpan(c.ClockSlack, checkSlack); err == nil && d != nil {
			src.ClockSlack = *d
		}
		if c.Columns != "" {
			src.Columns = c.Columns
		}
		if len(c.Locations) > 0 {
			src.Locations = c.Locations
		}
	}
	if o.Figure != "" {
		f, err := record.ParseFigure(string(o.Figure))
		if err != nil {
			return err
		}
		src.Figure = f
	}
	if o.BookedWithin != nil {
		if err := checkBooked(*o.BookedWithin); err != nil {
			return err
		}
		src.BookedWithin = *o.BookedWithin
	}
	if o.ClockSlack != nil {
		if err := checkSlack(*o.ClockSlack); err != nil {
			return err
		}
		src.ClockSlack = *o.ClockSlack
	}
	if o.Columns != "" {
		src.Columns = o.Columns
	}
	if len(o.Locations) > 0 {
		src.Locations = o.Locations
	}
	src.QualifySKU = src.QualifySKU || o.QualifySKU
	var err error
	src.columns, err = inventory.ParseColumns(src.Columns)
	return err
}

// date settles when the file was read. The last file again, without a date, was read when it was
// read first; an earlier one again, between then and now. Any other file without a date is of some
// time since the source's last one.
func (src *source) date(digest [32]byte, o api.ImportOptions, now exchange.Time) error {
	st := shelf.Statement{
		Source: src.Name, Figure: src.Figure, BookedWithin: src.BookedWithin, Rebase: o.Rebase, AllowRenamed: o.AllowRenamed, DryRun: o.DryRun,
		Last: src.High,
	}
	if o.Rebase && src.Figure != record.FigureFreeUnaware {
		return exchange.Errorf(exchange.CodeInvalid, "only figures of a system that knows nothing of Souk drift; --rebase goes with --stock-figure free-unaware")
	}
	digest = src.asRead(digest)
	before, again := src.File(digest)
	switch {
	case o.AsOf > now.Add(max(src.ClockSlack, futureSlack)):
		return exchange.Errorf(exchange.CodeInvalid, "the file cannot be as of %v: it is %v now", o.AsOf, now)
	case o.AsOf != 0:
		src.asOf = o.AsOf
		st.Low, st.High = o.AsOf.Add(-src.ClockSlack), o.AsOf.Add(src.ClockSlack)
	case again && before == src.Files[len(src.Files)-1]:
		st.Low, st.High = before.Low, before.High
	case again: // it may be as old as it was, or that system may be as it was
		st.Low, st.High = before.Low, now
	default:
		st.Low, st.High = src.Undated(now)
	}
	src.older = src.High != 0 && st.High < src.Low
	src.digest, src.statement = digest, st
	return nil
}

// asRead is the digest of a file together with what else decides what is read of it: other
// places counted, or other columns, are another reading of the same bytes.
func (src *source) asRead(file [32]byte) [32]byte {
	sum := sha256.New()
	sum.Write(file[:])
	for _, text := range append([]string{src.Columns, src.Figure.String()}, src.Locations...) {
		fmt.Fprintf(sum, "%d %s", len(text), text)
	}
	return [32]byte(sum.Sum(nil))
}

// after is the source's record after an import that ended at now.
func (src *source) after(now exchange.Time) record.Source {
	rec := src.Source
	rec.Ended = now
	file := record.SourceFile{Digest: src.digest, Low: src.statement.Low, High: src.statement.High}
	rec.Files = append(slices.DeleteFunc(slices.Clone(rec.Files), func(f record.SourceFile) bool { return f.Digest == src.digest }), file)
	rec.Files = rec.Files[max(0, len(rec.Files)-record.MaxFiles):]
	rec.High = max(rec.High, src.statement.High)
	rec.Low = min(src.statement.Low, rec.High)
	return rec
}

// newReport is the report of an import of which nothing is known yet.
func (src *source) newReport(o api.ImportOptions) *api.ImportReport {
	return &api.ImportReport{DryRun: o.DryRun, Stock: src.stockReport()}
}

// stockReport is what a report says of how the figures are read.
func (src *source) stockReport() api.StockReport {
	r := api.StockReport{Source: src.Name, Figure: inventory.Figure(src.Figure.String()), BookedWithin: exchange.Span(src.BookedWithin), ClockSlack: exchange.Span(src.ClockSlack)}
	if src.asOf != 0 {
		at := src.asOf.Std()
		r.AsOf = &at
	}
	return r
}
