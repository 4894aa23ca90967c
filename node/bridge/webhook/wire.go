package webhook

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// MaxBody bounds the body of a request and of an answer, in bytes.
const MaxBody = 64 << 10

// The calls' paths, after the bridge's URL, and the parameters of those that are a GET.
const (
	pathHold     = "/hold"
	pathCommit   = "/commit"
	pathRelease  = "/release"
	pathChanges  = "/changes"
	pathOpen     = "/open"
	paramChanges = "since"
	paramOpen    = "after"
)

type line struct {
	SKU   string `json:"sku" minLength:"1" maxLength:"128" doc:"Of the shop's catalog." example:"LAMP-1"`
	Units int64  `json:"units" minimum:"1" maximum:"1000000" example:"2"`
}

type ask struct {
	ID      string    `json:"id" minLength:"26" maxLength:"26" pattern:"^[0-9a-v]{26}$" doc:"Of the hold; the order keeps it." example:"00052ap5m48vv6u926huggirh0"`
	Partner string    `json:"partner" doc:"The shop that wants the goods; the own shop's ID where its own channels do." example:"12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"`
	Lines   []line    `json:"lines" minItems:"1" maxItems:"64" doc:"All of them or none; each product once, in any order."`
	Expires time.Time `json:"expires_at" doc:"When the hold ends at the node, unless it is extended. End nothing by it." example:"2026-12-01T12:30:00Z"`
}

type ref struct {
	ID        string `json:"id" minLength:"26" maxLength:"26" pattern:"^[0-9a-v]{26}$" example:"00052ap5m48vv6u926huggirh0"`
	Reference string `json:"reference,omitempty" maxLength:"256" doc:"The order's, for people." example:"B-4711"`
}

type part struct {
	ID     string `json:"id" minLength:"26" maxLength:"26" pattern:"^[0-9a-v]{26}$" example:"00052ap5m48vv6u926huggirh0"`
	Seq    uint32 `json:"seq" doc:"Numbers the parts of one ID: do each once, in whatever order they come." example:"1"`
	Lines  []line `json:"lines,omitempty" maxItems:"64" doc:"What to give back, at most what is still set aside; none = all of it."`
	Reason string `json:"reason,omitempty" maxLength:"256" doc:"For people." example:"the hold expired"`
}

type shortLine struct {
	SKU       string `json:"sku" minLength:"1" maxLength:"128" example:"LAMP-1"`
	Asked     int64  `json:"asked" minimum:"1" example:"2"`
	Available int64  `json:"available" minimum:"0" doc:"Less than asked." example:"1"`
}

type answer struct {
	ID      string      `json:"id" minLength:"26" maxLength:"26" pattern:"^[0-9a-v]{26}$" example:"00052ap5m48vv6u926huggirh0"`
	OK      bool        `json:"ok" doc:"Yes or no."`
	Problem string      `json:"problem,omitempty" maxLength:"256" doc:"Of a no. missing: nothing is set aside under the ID. key_reused: the ID came with other lines. busy: not now; nothing was done. None: the goods are short." example:"missing"`
	Short   []shortLine `json:"short,omitempty" maxItems:"64" doc:"Of a no: every line that is short."`
}

type change struct {
	SKU  string    `json:"sku" minLength:"1" maxLength:"128" example:"LAMP-1"`
	Free int64     `json:"free" minimum:"0" doc:"How many units would be set aside now." example:"7"`
	At   time.Time `json:"at" example:"2026-12-01T12:00:00Z"`
}

type standing struct {
	ID    string `json:"id" minLength:"26" maxLength:"26" pattern:"^[0-9a-v]{26}$" example:"00052ap5m48vv6u926huggirh0"`
	State string `json:"state" enum:"held,committed"`
	Lines []line `json:"lines" minItems:"1" maxItems:"64" doc:"What is still set aside."`
}

type holdRequest struct {
	Asks []ask `json:"asks" minItems:"1" maxItems:"100" doc:"Of different IDs."`
}

type commitRequest struct {
	Refs []ref `json:"refs" minItems:"1" maxItems:"100" doc:"Of different IDs."`
}

type releaseRequest struct {
	Parts []part `json:"parts" minItems:"1" maxItems:"100" doc:"Of different IDs."`
}

type answerBody struct {
	Answers []answer `json:"answers" maxItems:"100" doc:"One for each ID that was asked, in any order."`
}

type changesBody struct {
	Changes []change `json:"changes" maxItems:"100"`
	Next    string   `json:"next" maxLength:"256" pattern:"^[!-~]*$" doc:"since, of the next call. It may be empty only with gap."`
	More    bool     `json:"more,omitempty" doc:"next has something already."`
	Gap     bool     `json:"gap,omitempty" doc:"since is not known (any more): the node reads everything anew, without since."`
}

type openBody struct {
	Open []standing `json:"open" doc:"By ID, as many as fit into 64 KiB; none at the end."`
}

type problemBody struct {
	Detail string `json:"detail" doc:"For people: it is shown to the shop's owner."`
}

// encode is v as JSON, without escapes that only HTML needs: they would make bodies longer.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func wireLines(lines []bridge.Line) []line {
	var out []line
	for _, l := range lines {
		out = append(out, line{string(l.SKU), l.Units})
	}
	return out
}

func wireAsk(a bridge.Ask) ask {
	return ask{a.ID.String(), a.Partner.String(), wireLines(a.Lines), a.Expires.Std()}
}

func wireRef(r bridge.Ref) ref { return ref{r.ID.String(), r.Reference} }

func wirePart(p bridge.Part) part {
	return part{p.ID.String(), p.Seq, wireLines(p.Lines), p.Reason}
}

func wireAnswers(answers []bridge.Answer) answerBody {
	body := answerBody{Answers: []answer{}}
	for _, a := range answers {
		out := answer{ID: a.ID.String(), OK: a.OK, Problem: string(a.Problem)}
		for _, s := range a.Short {
			out.Short = append(out.Short, shortLine{string(s.SKU), s.Asked, s.Available})
		}
		body.Answers = append(body.Answers, out)
	}
	return body
}

func wirePage(p bridge.Page) changesBody {
	body := changesBody{Changes: []change{}, Next: p.Next, More: p.More, Gap: p.Gap}
	for _, c := range p.Changes {
		body.Changes = append(body.Changes, change{string(c.SKU), c.Free, c.At.Std()})
	}
	return body
}

func wireStanding(s bridge.Standing) standing {
	return standing{s.ID.String(), string(s.State), wireLines(s.Lines)}
}

// timeOf reads a time of the wire; what no message can hold is none.
func timeOf(t time.Time) (exchange.Time, bool) {
	at := exchange.TimeOf(t)
	return at, at >= 0 && at <= exchange.MaxTime
}
