package api

import (
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
	stopping context.Context // of the server: an import ends by it
	running  sync.Mutex      // one import at a time
}

func (s *importRoutes) register(r *router) {
	tags := []string{"products"}
	op := huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: "/api/v1/imports", Tags: tags,
		Summary: "Import a product file: Shopify or WooCommerce CSV, or JSON lines",
		Description: "The body is the file. With Accept: " + jsonLines + " the answer is one JSON record a line: progress, again and again, " +
			"then the report or the problem; its status is 200 in any case. The same file again changes nothing.",
		RequestBody: fileBody("the product file", "application/octet-stream", "text/csv", jsonLines),
		Responses: map[string]*huma.Response{"200": {Description: "The report, or records.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemaOf[view.ImportReport](r)},
			jsonLines:          {Schema: schemaOf[view.ImportRecord](r)},
		}}},
	}
	add(r, op, route{stream: true, may: also(mayWrite, exchange.CodeConflict, exchange.CodeCurrency, exchange.CodeNoRate, exchange.CodeOverflow), formerly: "/api/v1/import"}, s.importFile)
	add(r, huma.Operation{
		OperationID: "set-rates", Method: http.MethodPut, Path: "/api/v1/rates", Tags: tags,
		Summary:     "Give new exchange rates, in the format of the ECB's daily reference rates",
		RequestBody: fileBody("the rates file, such as the ECB's eurofxref-daily.xml or eurofxref.csv", "application/octet-stream", "text/csv", "application/xml"),
	}, route{may: also(mayWrite, exchange.CodeCurrency, exchange.CodeNoRate, exchange.CodeOverflow)}, s.setRates)
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
	Format    string            `query:"format" enum:"auto,shopify,woocommerce,jsonl" default:"auto"`
	Currency  exchange.Currency `query:"currency" maxLength:"3" doc:"What the file's prices are in; default: the shop's."`
	Untracked string            `query:"untracked" maxLength:"20" doc:"Stock of products that the file does not count: unavailable, unlimited, or a number of units. Default: what they have; none for a new one."`
	Free      bool              `query:"free" doc:"Take products at a price of 0, which are bad rows otherwise."`
	Strict    bool              `query:"strict" doc:"Any bad row, and nothing is written."`
	DryRun    bool              `query:"dry_run" doc:"Only say what would happen."`
	Accept    string            `header:"Accept" hidden:"true"`

	request *http.Request
	answer  http.ResponseWriter
}

// Resolve keeps the connection: the body is read as it comes.
func (in *importInput) Resolve(ctx huma.Context) []error {
	in.request, in.answer = humago.Unwrap(ctx)
	return nil
}

func (in *importInput) options() (ImportOptions, error) {
	untracked, err := inventory.ParseUntracked(in.Untracked)
	return ImportOptions{
		Format: inventory.Format(in.Format), Currency: in.Currency, Untracked: untracked, Free: in.Free, Strict: in.Strict, DryRun: in.DryRun,
	}, err
}

// importFile runs one import at a time.
func (s *importRoutes) importFile(ctx context.Context, in *importInput) (*huma.StreamResponse, error) {
	o, err := in.options()
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
	return &view.ImportReport{
		Report: report.Report, DryRun: report.DryRun, Added: report.Added, Changed: report.Changed,
		StockOnly: report.StockOnly, Unchanged: report.Unchanged,
		UntrackedKept: report.UntrackedKept, UntoldKept: report.UntoldKept,
	}, err
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
	RawBody []byte
}

func (s *importRoutes) setRates(ctx context.Context, in *ratesInput) (*body[view.Rates], error) {
	r, err := s.importer.SetRates(ctx, strings.NewReader(string(in.RawBody)))
	if err != nil {
		return nil, err
	}
	return answer(view.Rates{Rate: rateView(r.Rate), Rewritten: r.Rewritten}, nil)
}
