package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// Calls whose body or answer is long.

// maxEvent bounds one line of an event stream; an event has some 300 bytes.
const maxEvent = 64 << 10

// ImportOptions say how a product file is imported.
type ImportOptions struct {
	Format    inventory.Format
	Currency  exchange.Currency // what the file's prices are in; "" = the shop's
	Untracked inventory.Untracked
	Free      bool // products at a price of 0 are meant to be
	Strict    bool // any bad row, and nothing is written
	DryRun    bool // only say what would happen

	// Source names the file or system, whose settings and last file the shop keeps; "" = the
	// file's format.
	Source       string
	Figure       inventory.Figure // what a stock figure means; "" = as shop.toml or the source's last import says
	BookedWithin *time.Duration   // how soon that system books Souk's orders; nil likewise
	ClockSlack   *time.Duration   // how far its clock and the shop's may be apart; nil likewise
	AsOf         time.Time        // when that system was read; zero = not known
	Rebase       bool             // figures of a system that knows nothing of Souk were put right there
	Replace      bool             // what the file lacks is withdrawn
	Yes          bool             // more than a tenth may be
	AllowRenamed bool             // another product under a known SKU is the same one, renamed
	QualifySKU   bool             // the source's own ID of a product goes before its SKU
	Columns      string           // how the columns of any other CSV are named: "name=title,price=price"
	Locations    []string         // whose counts are added up; none = all
}

func (o *ImportOptions) query() url.Values {
	v := values("format", string(o.Format), "currency", string(o.Currency), "untracked", o.Untracked.String(),
		"free", flag(o.Free), "strict", flag(o.Strict), "dry_run", flag(o.DryRun),
		"source", o.Source, "stock_figure", string(o.Figure), "rebase", flag(o.Rebase), "replace", flag(o.Replace), "yes", flag(o.Yes),
		"allow_renamed", flag(o.AllowRenamed), "qualify_sku", flag(o.QualifySKU), "columns", o.Columns)
	if o.BookedWithin != nil {
		v.Set("booked_within", o.BookedWithin.String())
	}
	if o.ClockSlack != nil {
		v.Set("clock_slack", o.ClockSlack.String())
	}
	if !o.AsOf.IsZero() {
		v.Set("as_of", o.AsOf.Format(time.RFC3339Nano))
	}
	if len(o.Locations) > 0 {
		v["location"] = o.Locations
	}
	return v
}

// Import sends a product file; progress, which may be nil, is called as the file is
// read. After an error the report, if there is one, covers what was done until then.
func (c *Client) Import(ctx context.Context, file io.Reader, o ImportOptions, progress func(view.ImportProgress)) (*view.ImportReport, error) {
	in := call{
		method: http.MethodPost, path: path("imports"), accept: "application/x-ndjson", body: file,
		query: o.query(),
	}
	res, err := c.send(ctx, in)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	records := json.NewDecoder(res.Body)
	for {
		var r view.ImportRecord
		if err := records.Decode(&r); err != nil {
			return nil, unknown(in, err)
		}
		switch {
		case r.Problem != nil:
			return r.Problem.Report, r.Problem.Err()
		case r.Report != nil:
			return r.Report, nil
		case r.Progress != nil && progress != nil:
			progress(*r.Progress)
		}
	}
}

// EventsFrom says which events are told.
type EventsFrom struct {
	After string    // the id of an event: those after it; "0-0" = all that the log has
	Since time.Time // where After is empty: those of this time and later
	Types []string  // none = all
}

// Follow calls handle with each event until ctx ends, then returns nil; an error of handle ends it
// too and is returned. When the stream breaks it returns CodeUnavailable: call it again, with the
// last ID that an event had as After, and no event of the log is missed or told twice. The first
// event of every stream is hello; with After or Since, kept events follow, then live, and then what
// happens.
func (c *Client) Follow(ctx context.Context, from EventsFrom, handle func(view.Event) error) error {
	query := values("types", strings.Join(from.Types, ","))
	switch {
	case from.After != "":
		query.Set("after", from.After)
	case !from.Since.IsZero():
		query.Set("since", from.Since.Format(time.RFC3339Nano))
	}
	res, err := c.send(ctx, call{method: http.MethodGet, path: path("events"), query: query, accept: "text/event-stream"})
	if err != nil {
		return ended(ctx, err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEvent)
	var data []byte // of the event being read
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		switch {
		case field == "data":
			data = append(append(data, strings.TrimPrefix(value, " ")...), '\n')
		case lines.Text() == "" && len(data) > 0:
			var e view.Event
			if err := json.Unmarshal(bytes.TrimSpace(data), &e); err != nil {
				return exchange.Errorf(exchange.CodeVersion, "an event is not understood (%w); are program and node of the same version?", err)
			}
			data = data[:0]
			if err := handle(e); err != nil {
				return err
			}
		}
	}
	err = lines.Err()
	if err == nil {
		err = io.EOF
	}
	return ended(ctx, exchange.Errorf(exchange.CodeUnavailable, "the event stream broke: %w", err))
}

// ended is nil where the caller itself ended the stream.
func ended(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}
