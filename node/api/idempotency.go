package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/exchange/wake"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/node/api/view"
)

// KeyHeader names a request so that its repeat is not a second one.
const KeyHeader = "Idempotency-Key"

const (
	// maxKey is the longest key, in bytes.
	maxKey = 255
	// maxKeptBody is the longest answer that is kept: an order of 64 lines and 80
	// parcels of a few lines. It stays below half of what the store takes at once.
	maxKeptBody = 512 << 10
	// maxHolds is how many keyed reservations are remembered in memory, at some
	// 200 bytes each: 13 MB.
	maxHolds = 1 << 16
)

// keyMode says what a route does with an Idempotency-Key.
type keyMode int

const (
	// keyIgnored: repeating the request does nothing more anyway.
	keyIgnored keyMode = iota
	// keyOnce: the request runs once; its answer is kept and given again.
	keyOnce
	// keyAgain: the request runs again. Its handler finds what the first request did and answers
	// with the present state; the key only tells other requests apart.
	keyAgain
	// keyHold: the key decides the reservation's id, so that the supplier finds the repeat by
	// the id. No row is written for the key: holds are the hot path.
	keyHold
)

func (m keyMode) doc() string {
	const common = "1 to 255 printable ASCII characters, new for every new wish. The same key with another request is a conflict. "
	switch m {
	case keyAgain:
		return common + "A repeat within 24 hours finds what the first made or did, as it stands then."
	case keyHold:
		return common + "A repeat within 24 hours finds the reservation that the first made, also after a crash of this shop."
	}
	return common + "A repeat within 24 hours gets the first answer, with the header Idempotency-Replayed; where a crash has lost that answer, what was done as it stands then."
}

// idempotency remembers Idempotency-Keys and the answers to their requests; see the package's doc.
type idempotency struct {
	keptKeys
	secret []byte // of this shop: keys and bodies are stored as digests under it

	mu   sync.Mutex
	busy map[keyID]chan struct{} // closed when the request with that key is done

	holds *lru.Cache[keyID, keyedHold]
}

// keyID is a key's digest.
type keyID [sha256.Size]byte

// keyedHold is the request that a key of a reservation came with.
type keyedHold struct {
	request [sha256.Size]byte
	at      exchange.Time // when it came first
}

func newIdempotency(store kv.Store, changes *writer.Writer, clock exchange.Clock, token string) (*idempotency, error) {
	holds, err := lru.New[keyID, keyedHold](maxHolds)
	if err != nil {
		return nil, err
	}
	k := &idempotency{
		keptKeys: keptKeys{store: store, changes: changes, clock: clock, full: wake.New(), unwritten: make(map[keyID]*keptKey)}, holds: holds, busy: make(map[keyID]chan struct{}),
		secret: digest([]byte(token), "souk/api/idempotency/1"),
	}
	return k, k.count()
}

// digest is HMAC-SHA-256 of parts, each ended by a zero byte.
func digest(secret []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, p := range parts {
		io.WriteString(mac, p)
		mac.Write([]byte{0})
	}
	return mac.Sum(nil)
}

// serve runs a request that carries a key. The caller writes the problem that serve returns.
func (k *idempotency) serve(w http.ResponseWriter, r *http.Request, key string, body []byte, rt *route, next http.Handler) *view.Problem {
	if err := checkKey(key); err != nil {
		return problemOf(err)
	}
	id := k.idOf(key)
	request := [sha256.Size]byte(digest(k.secret, "request", r.Method, rt.keyPath(r.URL.EscapedPath()), r.URL.RawQuery, string(body)))
	release, err := k.acquire(r.Context(), id)
	if err != nil {
		return problemOf(err)
	}
	defer release()
	if rt.key == keyHold {
		return k.serveHold(w, r, id, request, next)
	}
	kept, err := k.load(id)
	if err != nil {
		return problemOf(err)
	}
	switch {
	case kept == nil:
		kept = &keptKey{ID: id, Request: request, At: k.clock.Now()}
	case kept.Request != request:
		return problemOf(errOtherRequest)
	case rt.key == keyOnce && kept.Status != 0:
		return kept.replay(w)
	case rt.key == keyOnce && kept.Acts == 0:
		return problemOf(errUnknownBefore)
	}
	answer := newCapture()
	once := k.once(kept, rt.key == keyAgain)
	next.ServeHTTP(answer, r.WithContext(writer.WithOnce(r.Context(), once)))
	if rt.key == keyOnce && kept.Acts > 0 && !once.Done() && answer.status < http.StatusBadRequest {
		// All acts were done, and their answer was lost in a crash. Where one is done only now,
		// or fails, the crash came between them.
		answer.header.Set(replayedHeader, "true")
	}
	k.keepAnswer(kept, rt, answer, once.Done())
	answer.writeTo(w)
	return nil
}

// idOf is the digest under which a key is known.
func (k *idempotency) idOf(key string) keyID { return keyID(digest(k.secret, "key", key)) }

// undone reports an answer after which nothing has been done: it invites to try again, or it
// finds the request at fault.
func undone(status int) bool {
	return mistaken(status) || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// mistaken reports an answer that finds the request itself at fault.
func mistaken(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// keepAnswer keeps a final answer. recorded says that a commit of the request has the key.
func (k *idempotency) keepAnswer(kept *keptKey, rt *route, answer *capture, recorded bool) {
	if recorded && !kept.stored {
		k.added(kept)
	}
	if undone(answer.status) || rt.key == keyAgain && kept.stored {
		return
	}
	if rt.key == keyOnce {
		kept.Status, kept.Type = answer.status, answer.header.Get("Content-Type")
		if kept.TooLong = answer.body.Len() > maxKeptBody; !kept.TooLong {
			kept.Body = bytes.Clone(answer.body.Bytes())
		}
	}
	k.writeBehind(kept)
}

// serveHold refuses another request under the key of a reservation. A repeat of the same request
// runs again: the handler derives the reservation's id from the key.
func (k *idempotency) serveHold(w http.ResponseWriter, r *http.Request, id keyID, request [sha256.Size]byte, next http.Handler) *view.Problem {
	now := k.clock.Now()
	if h, ok := k.holds.Get(id); !ok || now.Sub(h.at) > keepFor {
		k.holds.Add(id, keyedHold{request: request, at: now})
	} else if h.request != request {
		return problemOf(errOtherRequest)
	}
	said := &statusWriter{ResponseWriter: w}
	next.ServeHTTP(said, r)
	if mistaken(said.status) {
		k.holds.Remove(id)
	}
	return nil
}

// forgetHold frees the key of a reservation for another request: no supplier was asked.
func (k *idempotency) forgetHold(key string) { k.holds.Remove(k.idOf(key)) }

// reservationKey is what a key decides of a reservation's id at a supplier.
func (k *idempotency) reservationKey(key string, supplier exchange.ShopID) (tail trade.ReservationKey) {
	if key != "" {
		copy(tail[:], digest(k.secret, "hold", supplier.String(), key))
	}
	return tail
}

// saleKey is what a key decides of the id of a sale of the shop's own channels.
func (k *idempotency) saleKey(key string) (tail trade.ReservationKey) {
	if key != "" {
		copy(tail[:], digest(k.secret, "sale", key))
	}
	return tail
}

// basketKey is what a key decides of the ids of a basket and of its parts.
func (k *idempotency) basketKey(key string) (tail trade.ReservationKey) {
	if key != "" {
		copy(tail[:], digest(k.secret, "basket", key))
	}
	return tail
}

// acquire waits until no other request has the key, and takes the key.
func (k *idempotency) acquire(ctx context.Context, id keyID) (release func(), err error) {
	for {
		k.mu.Lock()
		other := k.busy[id]
		if other == nil {
			mine := make(chan struct{})
			k.busy[id] = mine
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				delete(k.busy, id)
				k.mu.Unlock()
				close(mine)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, exchange.Errorf(exchange.CodeUnavailable, "a request with this %s is still being worked on; repeat it later", KeyHeader)
		}
	}
}

func checkKey(key string) error {
	if len(key) > maxKey {
		return exchange.Errorf(exchange.CodeInvalid, "an %s has at most %d characters", KeyHeader, maxKey)
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			return exchange.Errorf(exchange.CodeInvalid, "an %s is printable ASCII", KeyHeader)
		}
	}
	return nil
}

var errOtherRequest = exchange.Errorf(exchange.CodeConflict, "this %s came before with another request; use a new key for a new wish", KeyHeader)

// errUnknownBefore refuses a key whose request an earlier version of Souk had begun when it
// stopped. That version recorded keys apart from what the requests did.
var errUnknownBefore = exchange.Errorf(exchange.CodeConflict,
	"the shop stopped while it worked on this request, so whether it was done is unknown: look, and use a new %s if it was not", KeyHeader)

// replayedHeader marks an answer to a request that was done before.
const replayedHeader = "Idempotency-Replayed"

// replay gives the kept answer again.
func (kept *keptKey) replay(w http.ResponseWriter) *view.Problem {
	if kept.TooLong {
		return problemOf(exchange.Errorf(exchange.CodeConflict, "this request was done; its answer was too long to keep. Look at what it changed"))
	}
	w.Header().Set("Content-Type", kept.Type)
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(kept.Status)
	w.Write(kept.Body)
	return nil
}

// capture is an answer held back until it is kept.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newCapture() *capture { return &capture{header: make(http.Header), status: http.StatusOK} }

func (c *capture) Header() http.Header         { return c.header }
func (c *capture) WriteHeader(status int)      { c.status = status }
func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }

func (c *capture) writeTo(w http.ResponseWriter) {
	for name, values := range c.header {
		w.Header()[name] = values
	}
	w.WriteHeader(c.status)
	w.Write(c.body.Bytes())
}
