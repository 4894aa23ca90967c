package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

const (
	// CallTime bounds one call: connecting, sending, and reading the answer.
	CallTime = 2 * time.Second
	// MaxCalls is how many calls are under way at once; others wait for their turn.
	MaxCalls = 4

	idleTime = 90 * time.Second
	// shownBody is how much of a refusal's body an error repeats, in bytes.
	shownBody = 200
)

// Config says where a system is.
type Config struct {
	URL    string         // see CheckURL; the calls' paths are added to it
	Secret Secret         // required
	Roots  *x509.CertPool // for https; nil = the machine's
}

// Client asks a system by HTTP: a bridge.Bridge, safe for concurrent use.
type Client struct {
	base   string
	secret Secret
	http   *http.Client
	turn   chan struct{} // one for each call under way

	now   func() time.Time // tests replace these
	newID func() string
}

var _ bridge.Bridge = (*Client)(nil)

// New is a client of a system. It calls nothing yet. An error is bridge.ErrSetup.
func New(c Config) (*Client, error) {
	u, err := CheckURL(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Secret.IsZero() {
		return nil, fmt.Errorf("%w: there is no secret", bridge.ErrSetup)
	}
	dialer := &net.Dialer{Timeout: CallTime}
	if u.Scheme == "http" {
		dialer.Control = loopbackOnly
	}
	return &Client{
		base: u.String(), secret: c.Secret,
		http: &http.Client{
			// No proxy: the address is the owner's, and http does not leave the machine.
			Transport: &http.Transport{
				DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: c.Roots},
				DisableCompression: true, MaxIdleConnsPerHost: MaxCalls, IdleConnTimeout: idleTime,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		turn: make(chan struct{}, MaxCalls),
		now:  time.Now, newID: func() string { return "msg_" + rand.Text() },
	}, nil
}

// Close lets go of connections that no call uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Hold implements bridge.Bridge.
func (c *Client) Hold(ctx context.Context, asks []bridge.Ask) ([]bridge.Answer, error) {
	return call(ctx, c, pathHold, asks, askIDs, wireAsk, func(a bridge.Ask) []bridge.Line { return a.Lines },
		func(list []ask) any { return holdRequest{list} })
}

// Commit implements bridge.Bridge.
func (c *Client) Commit(ctx context.Context, refs []bridge.Ref) ([]bridge.Answer, error) {
	return call(ctx, c, pathCommit, refs, refIDs, wireRef, func(bridge.Ref) []bridge.Line { return nil },
		func(list []ref) any { return commitRequest{list} })
}

// Release implements bridge.Bridge.
func (c *Client) Release(ctx context.Context, parts []bridge.Part) ([]bridge.Answer, error) {
	return call(ctx, c, pathRelease, parts, partIDs, wirePart, func(bridge.Part) []bridge.Line { return nil },
		func(list []part) any { return releaseRequest{list} })
}

// Changes implements bridge.Bridge.
func (c *Client) Changes(ctx context.Context, since string) (bridge.Page, error) {
	body, err := c.get(ctx, pathChanges, paramChanges, since)
	if err != nil {
		return bridge.Page{}, err
	}
	page, err := parsePage(body)
	return page, inCall(pathChanges, err)
}

// Open implements bridge.Bridge.
func (c *Client) Open(ctx context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	text := ""
	if !after.IsZero() {
		text = after.String()
	}
	body, err := c.get(ctx, pathOpen, paramOpen, text)
	if err != nil {
		return nil, err
	}
	list, err := parseOpen(body, after)
	return list, inCall(pathOpen, err)
}

// call posts a list in as many requests as its length needs, at once, and joins their answers.
func call[B, W any](ctx context.Context, c *Client, path string, list []B, idsOf func([]B) []exchange.HoldID,
	wire func(B) W, lines func(B) []bridge.Line, request func([]W) any) ([]bridge.Answer, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if err := checkBatch(idsOf(list)); err != nil {
		return nil, inCall(path, err)
	}
	pieces, err := batches(list, wire, lines)
	if err != nil {
		return nil, inCall(path, err)
	}
	answers := make([][]bridge.Answer, len(pieces))
	all, ctx := errgroup.WithContext(ctx)
	for i, piece := range pieces {
		all.Go(func() error {
			var wired []W
			for _, b := range piece {
				wired = append(wired, wire(b))
			}
			body, err := encode(request(wired))
			if err != nil {
				return inCall(path, err)
			}
			header, err := c.secret.Sign(c.newID(), c.now(), body)
			if err != nil {
				return inCall(path, err)
			}
			got, err := c.send(ctx, http.MethodPost, path, "", body, header)
			if err != nil {
				return err
			}
			answers[i], err = parseAnswers(got, idsOf(piece))
			return inCall(path, err)
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	var joined []bridge.Answer
	for _, a := range answers {
		joined = append(joined, a...)
	}
	return joined, nil
}

func (c *Client) get(ctx context.Context, path, param, value string) ([]byte, error) {
	query := url.Values{param: {value}}.Encode()
	header, err := c.secret.Sign(c.newID(), c.now(), []byte(query))
	if err != nil {
		return nil, inCall(path, err)
	}
	return c.send(ctx, http.MethodGet, path, query, nil, header)
}

// send is one request, within CallTime from when its turn comes. It returns the body of a 200.
func (c *Client) send(ctx context.Context, method, path, query string, body []byte, header http.Header) ([]byte, error) {
	res, got, err := c.exchange(ctx, method, path, query, body, header)
	switch {
	case err != nil:
		return nil, inCall(path, err)
	case res.StatusCode == http.StatusOK:
		return got, nil
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooManyRequests:
		return nil, inCall(path, fmt.Errorf("the system answered %s", shown(res, got)))
	}
	return nil, inCall(path, fmt.Errorf("%w: the system answered %s", bridge.ErrSetup, shown(res, got)))
}

// exchange is one request and its answer, whatever its status.
func (c *Client) exchange(ctx context.Context, method, path, query string, body []byte, header http.Header) (*http.Response, []byte, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	ctx, stop := context.WithTimeoutCause(ctx, CallTime, fmt.Errorf("no answer within %s", CallTime))
	defer stop()
	address := c.base + path
	if query != "" {
		address += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "souk-bridge")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, because(ctx, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, nil, because(ctx, err)
	case len(got) > MaxBody:
		return nil, nil, fmt.Errorf("an answer is longer than %d bytes", MaxBody)
	}
	return res, got, nil
}

// because is why a request failed, in words; a certificate that is not accepted will not be the
// next time.
func because(ctx context.Context, err error) error {
	var certificate *tls.CertificateVerificationError
	var outer *url.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: %w", bridge.ErrSetup, certificate)
	case errors.As(err, &outer): // the URL is the owner's to know, not the log's
		return outer.Err
	}
	return err
}

func inCall(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bridge, %s: %w", path[1:], err)
}

// shown is a refusal, in words.
func shown(res *http.Response, body []byte) string {
	if len(body) > shownBody {
		body = body[:shownBody]
	}
	if text := strings.ToValidUTF8(string(bytes.TrimSpace(body)), ""); text != "" {
		return fmt.Sprintf("%s: %q", res.Status, text)
	}
	return res.Status
}

// PostHold sends a hold with a body and headers of the caller's own, and returns the status of
// the answer: what it takes to try whether a system refuses what is not its node's.
func (c *Client) PostHold(ctx context.Context, body []byte, header http.Header) (int, error) {
	res, _, err := c.exchange(ctx, http.MethodPost, pathHold, "", body, header)
	if err != nil {
		return 0, inCall(pathHold, err)
	}
	return res.StatusCode, nil
}

// HoldBody is the body of a hold.
func HoldBody(asks ...bridge.Ask) ([]byte, error) {
	var q holdRequest
	for _, a := range asks {
		q.Asks = append(q.Asks, wireAsk(a))
	}
	return encode(q)
}
