package webhook

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

var update = flag.Bool("update", false, "write the OpenAPI document anew, and golden bodies that are missing")

// documentFile is where integrators find the document.
const documentFile = "../../../docs/bridge.openapi.json"

// TestDocument: the document in the folder is that of the types, and a valid one.
func TestDocument(t *testing.T) {
	made, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(documentFile, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(documentFile)
	if err != nil || !bytes.Equal(made, kept) {
		t.Errorf("%s is not that of the types; run go test ./node/bridge/webhook -update (%v)", documentFile, err)
	}
	doc := load(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(doc.Paths.Map()); n != 5 {
		t.Errorf("the document has %d paths", n)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Summary == "" || op.Description == "" || len(op.Parameters) < 3 || op.Responses.Value("401") == nil {
				t.Errorf("%s %s: %+v", method, path, op)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		if rest := s.Value.AdditionalProperties; rest.Has != nil && !*rest.Has {
			t.Errorf("%s takes no further fields", name)
		}
	}
}

func load(t *testing.T) *openapi3.T {
	t.Helper()
	made, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(made)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// scripted is a system whose answers are given, and which notes what it was asked.
type scripted struct {
	asked any
	reply any
}

func (s *scripted) note(asked any) []bridge.Answer {
	s.asked = asked
	return s.reply.([]bridge.Answer)
}

func (s *scripted) Hold(_ context.Context, asks []bridge.Ask) ([]bridge.Answer, error) {
	return s.note(asks), nil
}
func (s *scripted) Commit(_ context.Context, refs []bridge.Ref) ([]bridge.Answer, error) {
	return s.note(refs), nil
}
func (s *scripted) Release(_ context.Context, parts []bridge.Part) ([]bridge.Answer, error) {
	return s.note(parts), nil
}
func (s *scripted) Changes(_ context.Context, since string) (bridge.Page, error) {
	s.asked = since
	return s.reply.(bridge.Page), nil
}

func (s *scripted) Open(_ context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	s.asked = after
	return s.reply.([]bridge.Standing), nil
}

// TestGolden: the requests and answers of both sides are those in testdata, byte for byte; they
// are what integrators have been told, so they never change.
func TestGolden(t *testing.T) {
	first, second := exchange.NewHoldID(20788, [12]byte{1, 2, 3}), exchange.NewHoldID(20788, [12]byte{4, 5, 6})
	expires := exchange.TimeOf(time.Date(2026, 12, 1, 12, 30, 0, 0, time.UTC))
	lines := []bridge.Line{{SKU: "LAMP-1", Units: 2}, {SKU: `Tasse "Blau" <ü>`, Units: 1}}
	for name, c := range map[string]struct {
		asked, reply any
	}{
		"hold": {
			[]bridge.Ask{{ID: first, Partner: exchange.ShopID{1, 2, 3}, Lines: lines, Expires: expires}, {ID: second, Partner: exchange.ShopID{1, 2, 3}, Lines: lines[:1], Expires: expires}},
			[]bridge.Answer{{ID: first, OK: true}, {ID: second, Short: []exchange.Short{{SKU: "LAMP-1", Asked: 2, Available: 1}}}},
		},
		"commit":                 {[]bridge.Ref{{ID: first, Reference: "B-4711"}, {ID: second}}, []bridge.Answer{{ID: first, OK: true}, {ID: second, Problem: bridge.Missing}}},
		"release":                {[]bridge.Part{{ID: first, Seq: 2, Lines: lines[:1], Reason: "cancelled"}, {ID: second}}, []bridge.Answer{{ID: second, OK: true}, {ID: first, Problem: bridge.Busy}}},
		"changes":                {"c12/a+b&c=d", bridge.Page{Changes: []bridge.Change{{SKU: "LAMP-1", Free: 7, At: expires}}, Next: "c13", More: true}},
		"changes-from-the-start": {"", bridge.Page{Next: "c1"}},
		"changes-gap":            {"c1", bridge.Page{Gap: true}},
		"open":                   {first, []bridge.Standing{{ID: second, State: bridge.Committed, Lines: lines}}},
		"open-nothing":           {exchange.HoldID{}, []bridge.Standing(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			system := &scripted{reply: c.reply}
			at := time.Unix(1796126400, 0)
			handler := Handler(system, ServerConfig{Secrets: []Secret{testSecret(t)}, Now: func() time.Time { return at }})
			var seen bytes.Buffer
			client := serveFunc(t, func(w http.ResponseWriter, r *http.Request) { record(t, &seen, handler, w, r) })
			client.now, client.newID = func() time.Time { return at }, func() string { return "msg_GOLDEN" }
			if got := call1(t, client, c.asked); !reflect.DeepEqual(got, c.reply) {
				t.Errorf("the client has %+v, and the system said %+v", got, c.reply)
			}
			if !reflect.DeepEqual(system.asked, c.asked) {
				t.Errorf("the system was asked %+v, not %+v", system.asked, c.asked)
			}
			golden(t, name, seen.Bytes())
		})
	}
}

// call1 makes the call of what is asked.
func call1(t *testing.T, c *Client, asked any) any {
	t.Helper()
	var got any
	var err error
	switch asked := asked.(type) {
	case []bridge.Ask:
		got, err = c.Hold(t.Context(), asked)
	case []bridge.Ref:
		got, err = c.Commit(t.Context(), asked)
	case []bridge.Part:
		got, err = c.Release(t.Context(), asked)
	case string:
		got, err = c.Changes(t.Context(), asked)
	case exchange.HoldID:
		got, err = c.Open(t.Context(), asked)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// record writes a request and its answer, and checks both by the document.
func record(t *testing.T, seen *bytes.Buffer, h http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	fmt.Fprintf(seen, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(seen, "%s: %s\n", strings.ToLower(name), v)
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	fmt.Fprintf(seen, "\n%s\n\n%d\ncontent-type: %s\n\n%s\n", body, answer.Code, answer.Header().Get("Content-Type"), answer.Body)
	op := load(t).Paths.Find(r.URL.Path).GetOperation(r.Method)
	if r.Method == http.MethodPost {
		fits(t, op.RequestBody.Value.Content["application/json"].Schema, body)
	}
	fits(t, op.Responses.Value("200").Value.Content["application/json"].Schema, answer.Body.Bytes())
	w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func fits(t *testing.T, schema *openapi3.SchemaRef, body []byte) {
	var v any
	if err := decode(body, &v); err != nil {
		t.Error(err)
	}
	if err := schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s is not as the document says: %v", body, err)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	want, err := os.ReadFile(file)
	if os.IsNotExist(err) && *update {
		err = os.WriteFile(file, got, 0o644)
		want = got
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s (%v):\n%s", file, err, got)
	}
}

// FuzzRequests: a body that the server reads says the same when it is written and read again.
func FuzzRequests(f *testing.F) {
	for _, body := range goldenBodies(f, 1) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if asks, err := parseHold(body); err == nil {
			again(t, asks, func(list []bridge.Ask) any {
				var q holdRequest
				for _, a := range list {
					q.Asks = append(q.Asks, wireAsk(a))
				}
				return q
			}, parseHold)
		}
		if refs, err := parseCommit(body); err == nil {
			again(t, refs, func(list []bridge.Ref) any {
				var q commitRequest
				for _, r := range list {
					q.Refs = append(q.Refs, wireRef(r))
				}
				return q
			}, parseCommit)
		}
		if parts, err := parseRelease(body); err == nil {
			again(t, parts, func(list []bridge.Part) any {
				var q releaseRequest
				for _, p := range list {
					q.Parts = append(q.Parts, wirePart(p))
				}
				return q
			}, parseRelease)
		}
	})
}

// FuzzAnswers: the same of what the client reads; and no answer is taken that is not one for each ID.
func FuzzAnswers(f *testing.F) {
	for _, body := range goldenBodies(f, 3) {
		f.Add(body)
	}
	asked := []exchange.HoldID{exchange.NewHoldID(20788, [12]byte{1, 2, 3}), exchange.NewHoldID(20788, [12]byte{4, 5, 6})}
	f.Fuzz(func(t *testing.T, body []byte) {
		read := func(b []byte) ([]bridge.Answer, error) { return parseAnswers(b, asked) }
		if answers, err := read(body); err == nil {
			if len(answers) != len(asked) || answers[0].ID == answers[1].ID || !slices.Contains(asked, answers[0].ID) || !slices.Contains(asked, answers[1].ID) {
				t.Errorf("%+v", answers)
			}
			again(t, answers, func(a []bridge.Answer) any { return wireAnswers(a) }, read)
		}
		if page, err := parsePage(body); err == nil {
			again(t, page, func(p bridge.Page) any { return wirePage(p) }, parsePage)
		}
		open := func(b []byte) ([]bridge.Standing, error) { return parseOpen(b, asked[0]) }
		if list, err := open(body); err == nil {
			again(t, list, func(list []bridge.Standing) any {
				var q openBody
				for _, s := range list {
					q.Open = append(q.Open, wireStanding(s))
				}
				return q
			}, open)
		}
	})
}

// again writes and reads what was read; it may be longer than it came, and too long then.
func again[V any](t *testing.T, v V, wire func(V) any, read func([]byte) (V, error)) {
	t.Helper()
	b, err := encode(wire(v))
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(b)
	if len(b) <= MaxBody && (err != nil || !reflect.DeepEqual(got, v)) {
		t.Errorf("%+v, written as %s, reads as %+v, %v", v, b, got, err)
	}
}

// goldenBodies are the bodies of the golden files: the block of that number, from 0.
func goldenBodies(f *testing.F, block int) [][]byte {
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	var out [][]byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if blocks := bytes.Split(b, []byte("\n\n")); block < len(blocks) {
			out = append(out, bytes.TrimSpace(blocks[block]))
		}
	}
	return out
}
