package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Files in the shop's folder, as package api writes them.
const (
	tokenFile = "api.token"
	addrFile  = "api.addr"
)

const (
	// maxAnswer bounds an answer: the longest is a page of 200 orders of 64 lines and
	// 80 parcels, some 40 MiB at the very worst.
	maxAnswer = 64 << 20
	// dialTime is for reaching a server on this machine.
	dialTime = 5 * time.Second
)

// Client speaks to one shop. It is safe for concurrent use.
type Client struct {
	base  string // "http://127.0.0.1:7350"
	token string
	dir   string // "" = unknown; for what errors say
	http  *http.Client
}

// Open finds the node that runs on a shop's folder; CodeNotRunning where none does,
// as far as the folder tells.
func Open(dir string) (*Client, error) {
	read := func(name string) (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return "", notRunning(dir)
		}
		if err != nil {
			return "", exchange.Errorf(exchange.CodeUnauthorized, "%s cannot be read (%w); be the user who runs the shop", filepath.Join(dir, name), err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	addr, err := read(addrFile)
	if err != nil {
		return nil, err
	}
	token, err := read(tokenFile)
	if err != nil {
		return nil, err
	}
	c := New("http://"+addr, token)
	c.dir = dir
	return c, nil
}

// New is a client of the API at a base URL such as "http://127.0.0.1:7350".
func New(base, token string) *Client {
	return &Client{
		base: strings.TrimSuffix(base, "/"), token: token,
		http: &http.Client{
			// No proxy: the token is for this machine's server alone.
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
				MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Reachable reports, as CodeNotRunning, that nobody takes connections where the folder
// says that the node listens: it was killed there, or is about to stop. Nothing is sent.
func (c *Client) Reachable(ctx context.Context) error {
	base, err := url.Parse(c.base)
	if err != nil {
		return exchange.Errorf(exchange.CodeInvalid, "%s is no address of an API: %w", c.base, err)
	}
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", base.Host)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return notRunning(c.dir)
	}
	if err != nil {
		return unknown(call{method: http.MethodGet}, err)
	}
	return conn.Close()
}

func notRunning(dir string) error {
	if dir == "" {
		return exchange.Errorf(exchange.CodeNotRunning, "no node answers there; is it running?")
	}
	return exchange.Errorf(exchange.CodeNotRunning, "no node runs on %s; start one with: souk node run --dir %s", dir, dir)
}

type contextKey struct{}

// WithKey gives calls made with the context an Idempotency-Key: 1 to 255 printable ASCII
// characters, new for every new wish. A repeat with the same key is not done twice.
// Without one, each call is a wish of its own and gets a random key.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, contextKey{}, key)
}

// call is one request.
type call struct {
	method, path string
	query        url.Values
	body         any // JSON; an io.Reader is sent as it is
	accept       string
	ifMatch      string // optional
	also         int    // a further status that is no problem; 0 = none
}

// do makes a call and reads its JSON answer into out. Where the connection is lost on
// the way it asks once more: a POST has a key, and GET and DELETE change nothing when
// repeated. A PUT is not repeated: units that were counted may have been sold in between,
// and the same count then would offer them again.
func (c *Client) do(ctx context.Context, in call, out any) error {
	if _, ok := ctx.Value(contextKey{}).(string); !ok && in.method == http.MethodPost {
		ctx = WithKey(ctx, rand.Text())
	}
	err := c.try(ctx, in, out)
	if _, file := in.body.(io.Reader); file || in.method == http.MethodPut || !lost(err) || ctx.Err() != nil {
		return err
	}
	if again := c.try(ctx, in, out); exchange.CodeOf(again) != exchange.CodeNotRunning {
		return again
	}
	return err // the node has gone; what it did before is unknown
}

// lost reports a connection that broke off, so that nobody knows what was done.
func lost(err error) bool {
	for _, cause := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

func (c *Client) try(ctx context.Context, in call, out any) error {
	res, err := c.send(ctx, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return decode(in, res, out)
}

func decode(in call, res *http.Response, out any) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return unknown(in, err)
	}
	if len(b) > maxAnswer {
		return exchange.Errorf(exchange.CodeInvalid, "the answer is longer than 64 MiB; ask for less at a time")
	}
	if err := json.Unmarshal(b, out); err != nil {
		return exchange.Errorf(exchange.CodeVersion, "the node's answer is not understood (%w); are program and node of the same version?", err)
	}
	return nil
}

// send returns an answer that is no problem; its body is the caller's to close.
func (c *Client) send(ctx context.Context, in call) (*http.Response, error) {
	req, err := c.request(ctx, in)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, notRunning(c.dir)
	}
	if err != nil {
		return nil, unknown(in, err)
	}
	if res.StatusCode/100 == 2 || in.also == res.StatusCode && !isProblem(res) {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.problem(in, res)
}

func (c *Client) request(ctx context.Context, in call) (*http.Request, error) {
	body, isFile := in.body.(io.Reader)
	if in.body != nil && !isFile {
		b, err := json.Marshal(in.body)
		if err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the request cannot be written: %w", err)
		}
		body = bytes.NewReader(b)
	}
	target := c.base + in.path
	if len(in.query) > 0 {
		target += "?" + in.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, in.method, target, body)
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s is no address of an API: %w", c.base, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if isFile {
		req.Header.Set("Content-Type", "application/octet-stream")
	} else if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if in.accept != "" {
		req.Header.Set("Accept", in.accept)
	}
	if in.ifMatch != "" {
		req.Header.Set("If-Match", in.ifMatch)
	}
	if key, ok := ctx.Value(contextKey{}).(string); ok && in.method == http.MethodPost {
		req.Header.Set("Idempotency-Key", key)
	}
	return req, nil
}

func isProblem(res *http.Response) bool {
	return strings.HasPrefix(res.Header.Get("Content-Type"), view.ProblemType)
}

// problem is the error of an answer that is none of a shop's, or is a problem.
func (c *Client) problem(in call, res *http.Response) error {
	if !isProblem(res) {
		return exchange.Errorf(exchange.CodeNotRunning, "what answers at %s is not this shop (%s); is the node running?", c.base, res.Status)
	}
	var p view.Problem
	if err := decode(in, res, &p); err != nil {
		return err
	}
	if err := earlier(&p); err != nil {
		return err
	}
	return p.Err()
}

// unknown is the error of a call that may have been done, where it does more than look.
func unknown(in call, err error) error {
	if in.method == http.MethodGet {
		return exchange.Errorf(exchange.CodeUnavailable, "the node stopped answering while it was only asked to look something up, which changes nothing; try again: %w", err)
	}
	return exchange.Errorf(exchange.CodeUnavailable, "the node did not answer; whether it was done is unknown: %w", err)
}

// path joins and escapes the parts of a path.
func path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		// Dots alone would be taken for steps.
		if strings.Trim(p, ".") == "" {
			b.WriteString(strings.ReplaceAll(p, ".", "%2E"))
			continue
		}
		b.WriteString(url.PathEscape(p))
	}
	return "/api/v1" + b.String()
}
