package main

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

func TestWhatOthersWroteIsInert(t *testing.T) {
	hostile := "\x1b[2J\x1b]0;owned\x07ok\r\nsouk: all is well\u202egnp.exe\u009b31m\u2028x"
	var out strings.Builder
	p := &page{w: &out}
	p.line("name %s", hostile)
	p.line("error %v", errors.New(hostile))
	p.text("  ", hostile)
	p.table([]string{"NAME"}, func(row func(...any)) { row(hostile, "x") })
	if p.err != nil {
		t.Fatal(p.err)
	}
	for i, r := range out.String() {
		if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u2028') {
			t.Errorf("%q at %d reaches the terminal", r, i)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 6 { // the text has two lines of its own
		t.Errorf("%d lines, want 6:\n%s", n, out.String())
	}
	if got := inertLines("one\ntwo\x1b[31m"); got != "one\ntwo\ufffd[31m" {
		t.Errorf("inertLines gives %q", got)
	}
}

// TestOneFormatOfTimes: times in messages are shown as all others are, what only looks like one stays.
func TestOneFormatOfTimes(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678_000_000, time.Local)
	message := exchange.Errorf(exchange.CodeNotMember, "it was revoked on %s: SKU 2030-13-45T99:00:00Z, since %s.", exchange.TimeOf(at), stampText(at)).Error()
	if got, want := localTimes(message), "it was revoked on 2030-01-02 03:04:05: SKU 2030-13-45T99:00:00Z, since 2030-01-02 03:04:05."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var out strings.Builder
	diagnosisPage(&page{w: &out}, &diagnosis{Findings: []finding{{Check: "membership", Detail: message}}})
	if !strings.Contains(out.String(), "on 2030-01-02 03:04:05:") {
		t.Error(out.String())
	}
	refused := view.Partnership{Refusal: &view.Refusal{Detail: message}}
	for name, show := range map[string]func(p *page){
		"a refused act": func(p *page) { p.line("%s", localTimes(refusedOf([]view.Partnership{refused}).Error())) },
		"the list":      func(p *page) { partnerCommands{new(app)}.partnerNotes(p, nil, refused, false) },
	} {
		out.Reset()
		if show(&page{w: &out}); !strings.Contains(out.String(), "on 2030-01-02 03:04:05:") {
			t.Errorf("%s: %s", name, out.String())
		}
	}
}

func TestTexts(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.Local)
	for _, c := range []struct{ got, want string }{
		{percentText(0), "0%"}, {percentText(1500), "15%"}, {percentText(525), "5.25%"}, {percentText(1050), "10.5%"}, {percentText(1), "0.01%"}, {percentText(10_000), "100%"},
		{durationText(15 * time.Minute), "15m"}, {durationText(48 * time.Hour), "48h"}, {durationText(90 * time.Minute), "1h30m"},
		{durationText(10 * time.Second), "10s"}, {durationText(10*time.Minute + 10*time.Second), "10m10s"}, {durationText(time.Hour + 5*time.Second), "1h0m5s"},
		{bytesText(0), "0 B"}, {bytesText(1023), "1023 B"}, {bytesText(1536), "1.5 KiB"}, {bytesText(5 << 30), "5.0 GiB"}, {bytesText(1 << 60), "1048576.0 TiB"},
		{plural(1, "row"), "1 row"}, {plural(0, "row"), "0 rows"},
		{timeText(time.Time{}), "–"}, {timeText(exchange.Time(0).Std()), "–"}, {timeText(now), "2030-01-02 03:04:05"},
		{untilText(now.Add(15*time.Minute), now), "2030-01-02 03:19:05 (in 15m)"}, {untilText(now, now), "2030-01-02 03:04:05 (over)"},
		{quoteArg("shop/a-1"), "shop/a-1"}, {quoteArg("my shop"), "'my shop'"}, {quoteArg("it's"), `'it'\''s'`}, {quoteArg(""), "''"}, {quoteArg("$(x)"), "'$(x)'"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("%q, want %q", c.got, c.want)
			}
		})
	}
}

func TestFlagValues(t *testing.T) {
	for text, want := range map[string]time.Duration{"15m": 15 * time.Minute, "48h": 48 * time.Hour, "7d": 168 * time.Hour, "0d": 0, "1h30m": 90 * time.Minute} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			if got, err := parseDuration(text); err != nil || got != want {
				t.Errorf("it is %v, %v; want %v", got, err, want)
			}
		})
	}
	for _, text := range []string{"", "d", "-1d", "-5m", "1.5d", "99999d", "15", "1w"} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			if got, err := parseDuration(text); err == nil {
				t.Errorf("it is %v; want an error", got)
			}
		})
	}
	var countries []string
	f := countriesFlag{&countries}
	if err := f.Set("se, DE,se"); err != nil || f.String() != "DE,SE" {
		t.Errorf("countries %v, %v", countries, err)
	}
	if err := f.Set("any"); err != nil || countries != nil || f.String() != "any" {
		t.Errorf("any is %v, %v", countries, err)
	}
	if err := f.Set("Sweden"); err == nil {
		t.Error("Sweden is no country code")
	}
	var rule exchange.CancelRule
	if err := (cancelFlag{&rule}).Set("until-accepted"); err != nil || rule != exchange.CancelUntilAccepted {
		t.Errorf("%v, %v", rule, err)
	}
	if err := (cancelFlag{&rule}).Set("unknown"); err == nil {
		t.Error("there is no rule called unknown")
	}
}

func TestProgress(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	p := newProgress(&out, 2048, func() time.Time { return now })
	p.update(1, 1)
	now = now.Add(logEvery)
	p.update(1024, 1)
	p.update(1500, 2)
	now = now.Add(logEvery)
	p.update(4096, 20)
	p.done()
	if want := " 50%  1 row, 1.0 KiB read\n100%  20 rows, 4.0 KiB read\n"; out.String() != want {
		t.Errorf("a log says\n%q, want\n%q", out.String(), want)
	}

	out.Reset()
	p = newProgress(&out, 0, func() time.Time { return now })
	p.terminal = true
	now = now.Add(redrawEvery)
	p.update(1024, 3)
	p.done()
	p.done()
	if want := "\r\x1b[K3 rows, 1.0 KiB read\r\x1b[K"; out.String() != want {
		t.Errorf("a terminal gets %q, want %q", out.String(), want)
	}
}
