package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

const (
	// MaxImport bounds a product file: 2 GiB are a million products of 2 KiB.
	MaxImport = 2 << 30
	// importPause is the longest silence of a sender.
	importPause = 30 * time.Second
	// drainImport is how much is read and dropped of a file that was given up, so that
	// its sender reads why instead of meeting a closed connection.
	drainImport = 256 << 20
	// progressEvery thins out progress records.
	progressEvery = 200 * time.Millisecond

	jsonLines = "application/x-ndjson"
)

// importRoutes take the files of the shop's own system: products and rates.
type importRoutes struct {
	importer Importer
	clock    exchange.Clock
	stopping context.Context // of the server: an import ends by it
	running  sync.Mutex      // one import at a time
}

func (s *importRoutes) register(r *router) {
	tags := []string{"products"}
	op := huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: "/api/v1/imports", Tags: tags,
		Summary: "Import a product file: Shopify or WooCommerce CSV, or JSON lines",
		Description: "The body is the file. With Accept: " + jsonLines + " the answer is one JSON record a line: progress, again and again, " +
			"then the report or the problem; its status is 200 in any case. The same file again changes nothing. " +
			"Where a file would withdraw more than a tenth of the products for sale, the import is refused with confirm until yes says so.",
		RequestBody: fileBody("the product file", "application/octet-stream", "text/csv", jsonLines),
		Responses: map[string]*huma.Response{"200": {Description: "The report, or records.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemaOf[view.ImportReport](r)},
			jsonLines:          {Schema: schemaOf[view.ImportRecord](r)},
		}}},
	}
	add(r, op, route{stream: true, may: also(mayWrite, exchange.CodeConfirm, exchange.CodeConflict, exchange.CodeCurrency, exchange.CodeOverflow), formerly: "/api/v1/import"}, s.importFile)
	rates := fileBody("the rates file, such as the ECB's eurofxref-daily.xml or eurofxref.csv, or a rate stated by hand", "application/octet-stream", "text/csv", "application/xml")
	rates.Content["application/json"] = &huma.MediaType{Schema: schemaOf[inventory.FixedRate](r)}
	add(r, huma.Operation{
		OperationID: "set-rates", Method: http.MethodPut, Path: "/api/v1/rates", Tags: tags,
		Summary: "Give new exchange rates, in the format of the ECB's daily reference rates, or one stated by hand",
		Description: "The rates tell prices in US dollars; without one products sell all the same. Rates of a day to come are refused, and " +
			"rates older than those in force unless allow_older is set. A rate stated by hand is JSON: " + `{"usd": "0.012"}.`,
		RequestBody: rates, SkipValidateBody: true, // the JSON too is the importer's to read
	}, route{may: also(mayWrite, exchange.CodeCurrency, exchange.CodeNoRate, exchange.CodeOverflow, exchange.CodeStale)}, s.setRates)
}

// fileBody documents a body that is a file, described as it is named to who forgets it.
func fileBody(what string, types ...string) *huma.RequestBody {
	b := &huma.RequestBody{Description: what, Required: true, Content: make(map[string]*huma.MediaType)}
	for _, t := range types {
		b.Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return b
}

type importInput struct {
	Format    string            `query:"format" enum:"auto,shopify,shopify-inventory,woocommerce,generic,jsonl" default:"auto"`
	Currency  exchange.Currency `query:"currency" maxLength:"3" doc:"What the file's prices are in; default: the shop's."`
	Untracked string            `query:"untracked" maxLength:"20" doc:"Stock of products that the file does not count: unavailable, unlimited, or a number of units. Default: what they have; none for a new one."`
	Free      bool              `query:"free" doc:"Take products at a price of 0, which are bad rows otherwise."`
	Strict    bool              `query:"strict" doc:"Any bad row, and nothing is written."`
	DryRun    bool              `query:"dry_run" doc:"Only say what would happen."`

	Source       string   `query:"source" maxLength:"128" doc:"The file's or system's name, under which its settings and its last file are kept. Default: the file's format."`
	StockFigure  string   `query:"stock_figure" enum:"on-hand,free,free-unaware" doc:"What a stock figure means. on-hand: what lies on the shelf, sold units that are not sent included. free: what can still be sold, and that system books Souk's orders. free-unaware: what can still be sold as that system sees it, which knows nothing of Souk. Default: as shop.toml or the last import of the source says; never said: the least of the three."`
	BookedWithin string   `query:"booked_within" maxLength:"20" example:"10m" doc:"With free: how soon that system books Souk's orders. Default: 10m."`
	ClockSlack   string   `query:"clock_slack" maxLength:"20" example:"60s" doc:"How far that system's clock and this shop's may be apart; 0s where they are one clock. Default: 60s."`
	AsOf         string   `query:"as_of" maxLength:"40" example:"-5m" doc:"When that system was read: RFC 3339, now, or so long before now as in -5m. It is not later than the reading was. Default: some time since the source's last file."`
	Rebase       bool     `query:"rebase" doc:"With free-unaware: the figures were put right in that system, and count the shelf."`
	Replace      bool     `query:"replace" doc:"The file is the whole catalog, or all that the named source has: what it lacks is withdrawn."`
	Yes          bool     `query:"yes" doc:"With replace: more than a tenth may be withdrawn, which is refused with confirm else."`
	AllowRenamed bool     `query:"allow_renamed" doc:"Another product under a known SKU is the same one under another name."`
	QualifySKU   bool     `query:"qualify_sku" doc:"The file's own ID of a product goes before its SKU: for exports whose SKUs repeat. Kept for the source."`
	Columns      string   `query:"columns" maxLength:"2000" example:"name=title,price=price" doc:"How the columns of any other CSV are named. Kept for the source."`
	Locations    []string `query:"location,explode" maxItems:"100" doc:"The place whose counts are added up; once for each. Default: all. Kept for the source."`

	Accept string `header:"Accept" hidden:"true"`

	request *http.Request
	answer  http.ResponseWriter
}

// Resolve keeps the connection: the body is read as it comes.
func (in *importInput) Resolve(ctx huma.Context) []error {
	in.request, in.answer = humago.Unwrap(ctx)
	return nil
}

func (in *importInput) options(now time.Time) (ImportOptions, error) {
	o := ImportOptions{
		Format: inventory.Format(in.Format), Currency: in.Currency, Free: in.Free, Strict: in.Strict, DryRun: in.DryRun,
		Source: in.Source, Figure: inventory.Figure(in.StockFigure), Rebase: in.Rebase, Replace: in.Replace, Yes: in.Yes,
		AllowRenamed: in.AllowRenamed, QualifySKU: in.QualifySKU, Columns: in.Columns, Locations: in.Locations,
	}
	var err error
	if o.Untracked, err = inventory.ParseUntracked(in.Untracked); err != nil {
		return o, err
	}
	if o.BookedWithin, err = span("booked_within", in.BookedWithin); err != nil {
		return o, err
	}
	if o.ClockSlack, err = span("clock_slack", in.ClockSlack); err != nil {
		return o, err
	}
	if in.AsOf != "" {
		at, err := view.ParseMoment(in.AsOf, now)
		if err != nil {
			return o, exchange.Errorf(exchange.CodeInvalid, "as_of: %w", err)
		}
		o.AsOf = exchange.TimeOf(at)
	}
	return o, nil
}

// span reads a parameter that is a span of time; nil where it is not given.
func span(name, text string) (*time.Duration, error) {
	if text == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s: %.40q is no span of time such as 10m or 90s", name, text)
	}
	return &d, nil
}

// importFile runs one import at a time.
func (s *importRoutes) importFile(ctx context.Context, in *importInput) (*huma.StreamResponse, error) {
	o, err := in.options(s.clock.Now().Std())
	if err != nil {
		return nil, err
	}
	if !s.running.TryLock() {
		return nil, exchange.Errorf(exchange.CodeLimit, "another import is running; try again when it is done")
	}
	run := func(o ImportOptions) (*view.ImportReport, error) {
		defer s.running.Unlock()
		return s.runImport(ctx, in, o)
	}
	if strings.Contains(in.Accept, jsonLines) {
		return &huma.StreamResponse{Body: func(huma.Context) { streamImport(in.answer, o, run) }}, nil
	}
	report, err := run(o)
	if err != nil {
		p := *problemOf(err)
		p.Report = report
		return nil, &p
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		http.NewResponseController(in.answer).SetWriteDeadline(time.Now().Add(answerTime))
		in.answer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(in.answer).Encode(report)
	}}, nil
}

// runImport reads the request's body into the catalog. The import ends when the
// caller goes or the server stops; what was written stays, and importing again goes on.
func (s *importRoutes) runImport(ctx context.Context, in *importInput, o ImportOptions) (*view.ImportReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	file := &uploaded{
		body: http.MaxBytesReader(in.answer, in.request.Body, MaxImport),
		ctl:  http.NewResponseController(in.answer),
	}
	report, err := s.importer.Import(ctx, file, o)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = newProblem(http.StatusRequestEntityTooLarge, exchange.CodeInvalid, "a product file has at most 2 GiB; split it")
	case err != nil && s.stopping.Err() != nil:
		err = exchange.Errorf(exchange.CodeUnavailable, "the shop is stopping; import the file again when it runs")
	case err != nil:
		io.CopyN(io.Discard, file, drainImport)
	}
	if report == nil {
		return nil, err
	}
	out := importView(report)
	switch {
	case err == nil && report.Older:
		out.Outcome.Summary = "The file is older than the last one of source " + report.Stock.Source + ", so nothing was changed."
	case err == nil:
		out.Outcome = out.Report.Outcome(o.Untracked, out.Known())
	default:
		out.Outcome.Summary = "The import broke off." // of the rest of the file nobody knows
	}
	return out, err
}

func importView(r *ImportReport) *view.ImportReport {
	out := &view.ImportReport{
		Report: r.Report, DryRun: r.DryRun, Added: r.Added, Changed: r.Changed, StockOnly: r.StockOnly, Unchanged: r.Unchanged,
		Withdrawn: r.Withdrawn, WithdrawnSKUs: r.WithdrawnSKUs, Returned: r.Returned, KeptRemoved: r.KeptRemoved,
		BadOnSale: r.BadOnSale, Absent: r.Absent, Renamed: r.Renamed, Conflicts: r.Conflicts,
		NotCounted: r.NotCounted, SoldOut: r.SoldOut, Shortfalls: r.Shortfalls,
		Stock: view.StockReport{
			Source: r.Stock.Source, Figure: r.Stock.Figure, BookedWithin: r.Stock.BookedWithin, ClockSlack: r.Stock.ClockSlack,
			Older: r.Stock.Older, Doubted: r.Stock.Doubted, Differ: r.Stock.Differ, Lowered: r.Stock.Lowered, Ordered: r.Stock.Ordered,
		},
		Unknown: r.Unknown, UnknownSKUs: r.UnknownSKUs, Older: r.Older,
		// Products of a file that is older than the source's last keep their stock whatever it tells.
		UntrackedKept: min(r.UntrackedKept, r.Untracked), UntoldKept: min(r.UntoldKept, r.StockUntold),
	}
	if r.Stock.AsOf != nil {
		out.Stock.AsOf = *r.Stock.AsOf
	}
	for _, reading := range r.Stock.Readings {
		out.Stock.Readings = append(out.Stock.Readings, view.StockReading(reading))
	}
	return out
}

// uploaded is a request's body whose sender may take long, but not fall silent.
type uploaded struct {
	body io.Reader
	ctl  *http.ResponseController
}

func (u *uploaded) Read(p []byte) (int, error) {
	u.ctl.SetReadDeadline(time.Now().Add(importPause))
	n, err := u.body.Read(p)
	if err != nil { // also at the end: the deadline would end the request's context
		u.ctl.SetReadDeadline(time.Time{})
	}
	return n, err
}

// streamImport answers while the body is still being read.
func streamImport(w http.ResponseWriter, o ImportOptions, run func(ImportOptions) (*view.ImportReport, error)) {
	ctl := http.NewResponseController(w)
	ctl.EnableFullDuplex() // where it cannot be, as in HTTP/2, it is so already
	w.Header().Set("Content-Type", jsonLines)
	record := func(r view.ImportRecord) {
		ctl.SetWriteDeadline(time.Now().Add(answerTime))
		json.NewEncoder(w).Encode(r)
		ctl.Flush()
	}
	var last time.Time
	o.Progress = func(bytes, rows int64) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			record(view.ImportRecord{Progress: &view.ImportProgress{Bytes: bytes, Rows: rows}})
		}
	}
	report, err := run(o)
	if err != nil {
		p := *problemOf(err)
		p.Report = report
		record(view.ImportRecord{Problem: &p})
		return
	}
	record(view.ImportRecord{Report: report})
}

type ratesInput struct {
	AllowOlder bool `query:"allow_older" doc:"Take rates that are older than those in force."`
	RawBody    []byte
}

func (s *importRoutes) setRates(ctx context.Context, in *ratesInput) (*body[view.Rates], error) {
	r, err := s.importer.SetRates(ctx, bytes.NewReader(in.RawBody), RatesOptions{AllowOlder: in.AllowOlder})
	if err != nil {
		return nil, err
	}
	return answer(view.Rates{Rate: rateView(r.Rate), Rewritten: r.Rewritten}, nil)
}
