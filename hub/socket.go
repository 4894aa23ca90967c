package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

const (
	// maxSocketPath is what a Unix socket's address holds on every system: 104 bytes with
	// the final zero on macOS and the BSDs, 108 on Linux.
	maxSocketPath = 103
	// maxReport bounds a command's answer: 1 KiB for each of a hundred thousand members.
	maxReport = 100 << 20
	// commandTimeout bounds one command.
	commandTimeout = 30 * time.Second
	// dialTimeout bounds the wait for a process that does not take connections.
	dialTimeout = 3 * time.Second
)

// socketPath is the socket of the hub that runs on a folder.
func socketPath(dir string) string { return filepath.Join(dir, socketName) }

func checkSocket(dir string) error {
	if path := socketPath(dir); len(path) > maxSocketPath {
		return exchange.Errorf(exchange.CodeInvalid, "the path %s has %d bytes; a socket's may have %d. Use a folder with a shorter path, or a relative one", path, len(path), maxSocketPath)
	}
	return nil
}

// listenSocket replaces the socket that an ended process left. The caller holds the folder's lock.
func listenSocket(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, exchange.Errorf(exchange.CodeInternal, "the old socket %s cannot be removed: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeUnavailable, "commands cannot be heard on %s: %w", path, err)
	}
	return l, nil
}

// commands serves the operator's commands on the socket. The socket gives no authority: of a
// statement only the signatures count.
func (h *Hub) commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, h.Report()) })
	mux.HandleFunc("GET /members", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, h.Members()) })
	mux.HandleFunc("GET /invites", func(w http.ResponseWriter, _ *http.Request) {
		list, err := invites(h.dir, h.list.roster)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, list)
	})
	mux.HandleFunc("GET /voids/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := membership.ParseInviteID(r.PathValue("id"))
		var all map[membership.InviteID]Voided
		if err == nil {
			all, err = voids(h.list.roster)
		}
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, all[id])
	})
	mux.HandleFunc("POST /statement", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(membership.MaxEntry)))
		if err != nil {
			writeError(w, exchange.Errorf(exchange.CodeInvalid, "the statement cannot be read: %w", err))
			return
		}
		st, err := membership.DecodeStatement(raw)
		if err == nil {
			err = h.submit(r.Context(), st)
		}
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, struct{}{})
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // an error means that nobody reads any more
}

// errorBody is what a failed command returns.
type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func writeError(w http.ResponseWriter, err error) {
	code := exchange.CodeOf(err)
	status := http.StatusConflict
	if code == exchange.CodeInternal {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(errorBody{code.String(), err.Error()})
}

// client sends commands to the hub that runs on a folder.
type client struct{ http *http.Client }

// dialHub reports false where no hub runs on dir.
func dialHub(ctx context.Context, dir string) (client, bool) {
	path := socketPath(dir)
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return client{}, false
	}
	_ = conn.Close()
	return client{&http.Client{
		Timeout: commandTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", path)
			},
		},
	}}, true
}

// get reads a report into v.
func (c client) get(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// submit has a statement entered.
func (c client) submit(ctx context.Context, st membership.Statement) error {
	raw, err := membership.EncodeStatement(st)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, "/statement", raw, &struct{}{})
}

func (c client) do(ctx context.Context, method, path string, body []byte, v any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://hub"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "the hub did not answer; whether it did what was asked is unknown, ask again: %w", err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(io.LimitReader(resp.Body, maxReport))
	if resp.StatusCode != http.StatusOK {
		var e errorBody
		if err := dec.Decode(&e); err != nil {
			return exchange.Errorf(exchange.CodeUnavailable, "the hub answered %s: %w", resp.Status, err)
		}
		return exchange.Errorf(exchange.ParseCode(e.Code), "%s", e.Message)
	}
	if err := dec.Decode(v); err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "the hub's answer cannot be read: %w", err)
	}
	return nil
}

// Bounds of an HTTP connection.
const (
	httpHeaderTimeout = 5 * time.Second
	httpTimeout       = 30 * time.Second
	httpIdle          = 2 * time.Minute
	httpHeaderBytes   = 16 << 10
	httpStop          = 5 * time.Second // for requests in hand when the server stops
)

// serveHTTP serves until ctx ends and requests in hand are answered.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler) error {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: httpHeaderTimeout, ReadTimeout: httpTimeout, WriteTimeout: httpTimeout,
		IdleTimeout: httpIdle, MaxHeaderBytes: httpHeaderBytes,
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpStop)
		defer cancel()
		if s.Shutdown(ctx) != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(l)
	if !stop() {
		<-stopped
		return nil
	}
	return fmt.Errorf("http: %w", err)
}
