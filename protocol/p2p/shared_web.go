package p2p

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// sharedWeb is the web server of a SharedPort. It takes WebSockets, as a proxy that ends TLS passes them
// on, and routes what comes over them like any connection: one port, one name and one path serve
// both hosts. All other requests read what is here.
type sharedWeb struct {
	port     *SharedPort
	server   http.Server
	upgrader websocket.Upgrader
	conns    chan *webConn
}

func newSharedWeb(p *SharedPort) *sharedWeb {
	w := &sharedWeb{port: p, conns: make(chan *webConn)}
	w.upgrader = websocket.Upgrader{
		HandshakeTimeout: p.timeout,
		CheckOrigin:      func(*http.Request) bool { return true }, // the handshake of Noise says who asks
	}
	w.server = http.Server{
		Handler: w, MaxHeaderBytes: strangerDrain, ReadHeaderTimeout: p.timeout,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, webConnKey{}, c) },
		ErrorLog:    slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	w.server.SetKeepAlivesEnabled(false)
	return w
}

type webConnKey struct{}

// webConn is a connection that began with HTTP.
type webConn struct {
	net.Conn
	socket *sharedSocket
	first  []byte // not yet returned by Read
	ctx    context.Context

	once sync.Once
	done chan struct{} // closed when the connection is closed or was routed
}

func (c *webConn) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	c.first = c.first[n:]
	return n, nil
}

func (c *webConn) finish() { c.once.Do(func() { close(c.done) }) }

// Close is called by the server, and by a host that has taken the connection.
func (c *webConn) Close() error {
	defer c.finish()
	return c.Conn.Close()
}

// serve answers a connection, until ctx ends or a host has taken it.
func (w *sharedWeb) serve(ctx context.Context, s *sharedSocket, c net.Conn, first []byte) error {
	conn := &webConn{Conn: c, socket: s, first: first, ctx: ctx, done: make(chan struct{})}
	select {
	case w.conns <- conn:
	case <-ctx.Done():
		return errors.Join(errStranger, conn.Close())
	}
	select {
	case <-conn.done:
		return nil
	case <-ctx.Done():
		return errors.Join(errStranger, conn.Close())
	}
}

func (w *sharedWeb) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(webConnKey{}).(*webConn)
	if !websocket.IsWebSocketUpgrade(r) {
		http.Error(answer, strangerAnswer, http.StatusBadRequest)
		return
	}
	ws, err := w.upgrader.Upgrade(answer, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer c.finish()
	stream := &wsConn{Conn: ws}
	until, _ := c.ctx.Deadline()
	_ = stream.SetReadDeadline(until)
	first, who := readOpening(stream)
	switch who {
	case forOpen:
		err = c.socket.lanes[openSide].give(c.ctx, stream, first)
	case forClosed:
		err = c.socket.lanes[closedSide].give(c.ctx, stream, first)
	default:
		_ = ws.Close()
		err = errStranger
	}
	if err != nil {
		w.port.log.Debug("shared port: WebSocket closed", "from", c.RemoteAddr(), "why", err)
	}
}

// The server's listener.

func (w *sharedWeb) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.port.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (w *sharedWeb) Close() error   { return nil }
func (w *sharedWeb) Addr() net.Addr { return w.port.sockets[0].listener.Addr() }

// wsConn is a WebSocket as a stream of bytes, the content of its binary messages.
type wsConn struct {
	*websocket.Conn
	message io.Reader // owned by the reader; nil between messages

	mu sync.Mutex // held to write
}

func (c *wsConn) Read(b []byte) (int, error) {
	for {
		if c.message == nil {
			kind, message, err := c.NextReader()
			switch {
			case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
				return 0, io.EOF
			case err != nil:
				return 0, err
			case kind != websocket.BinaryMessage:
				return 0, errors.New("the WebSocket carries text; Souk's carry bytes")
			}
			c.message = message
		}
		n, err := c.message.Read(b)
		if errors.Is(err, io.EOF) {
			c.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (c *wsConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *wsConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
