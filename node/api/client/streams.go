package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

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
}

// Import sends a product file; progress, which may be nil, is called as the file is
// read. After an error the report, if there is one, covers what was done until then.
func (c *Client) Import(ctx context.Context, file io.Reader, o ImportOptions, progress func(view.ImportProgress)) (*view.ImportReport, error) {
	in := call{
		method: http.MethodPost, path: path("imports"), accept: "application/x-ndjson", body: file,
		query: values("format", string(o.Format), "currency", string(o.Currency), "untracked", o.Untracked.String(),
			"free", flag(o.Free), "strict", flag(o.Strict), "dry_run", flag(o.DryRun)),
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
			return nil, c.unknown(in, err)
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

// Events calls handle with each event until ctx ends, then returns nil; an error of
// handle ends it too and is returned. When the stream breaks it returns
// CodeUnavailable: call it again. Nothing is replayed; the first event of every
// stream is hello, on which a caller reads again what it shows.
func (c *Client) Events(ctx context.Context, handle func(view.Event) error) error {
	res, err := c.send(ctx, call{method: http.MethodGet, path: path("events"), accept: "text/event-stream"})
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
