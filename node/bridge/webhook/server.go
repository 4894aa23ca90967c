package webhook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

// ServerConfig is how a system is served.
type ServerConfig struct {
	// Secrets are those accepted, at least one: while a secret is changed, the old and the new.
	Secrets []Secret
	Log     *slog.Logger     // nil = nothing is logged
	Now     func() time.Time // nil = time.Now
}

// server serves a system.
type server struct {
	system  bridge.Bridge
	config  ServerConfig
	replays replays
}

// Handler serves a system to its node, below whatever path it is mounted at with http.StripPrefix.
// A message that none of the secrets signed, that is older than Tolerance, or that came before is
// answered 401, and nothing is done.
func Handler(system bridge.Bridge, config ServerConfig) http.Handler {
	s := &server{system: system, config: config}
	if s.config.Log == nil {
		s.config.Log = slog.New(slog.DiscardHandler)
	}
	if s.config.Now == nil {
		s.config.Now = time.Now
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathHold, func(w http.ResponseWriter, r *http.Request) {
		serveCall(s, w, r, parseHold, askIDs, func(a bridge.Ask) []bridge.Line { return a.Lines }, system.Hold)
	})
	mux.HandleFunc("POST "+pathCommit, func(w http.ResponseWriter, r *http.Request) {
		serveCall(s, w, r, parseCommit, refIDs, noLines[bridge.Ref], system.Commit)
	})
	mux.HandleFunc("POST "+pathRelease, func(w http.ResponseWriter, r *http.Request) {
		serveCall(s, w, r, parseRelease, partIDs, noLines[bridge.Part], system.Release)
	})
	mux.HandleFunc("GET "+pathChanges, s.changes)
	mux.HandleFunc("GET "+pathOpen, s.open)
	return mux
}

func noLines[E any](E) []bridge.Line { return nil }

func serveCall[B any](s *server, w http.ResponseWriter, r *http.Request, parse func([]byte) ([]B, error),
	idsOf func([]B) []exchange.HoldID, lines func(B) []bridge.Line, do func(context.Context, []B) ([]bridge.Answer, error)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			s.refuse(w, http.StatusRequestEntityTooLarge, "a body is longer than 64 KiB")
			return
		}
		s.refuse(w, http.StatusBadRequest, "the body did not come whole")
		return
	}
	if !s.verified(w, r, body) {
		return
	}
	list, err := parse(body)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	size := frame
	for _, b := range list {
		size += answerSize(lines(b)) + 1
	}
	if size > MaxBody {
		s.refuse(w, http.StatusRequestEntityTooLarge, "the answers could be longer than 64 KiB: ask for less at once")
		return
	}
	answers, err := do(r.Context(), list)
	if err == nil {
		err = bridge.CheckAnswers(idsOf(list), answers)
	}
	s.answer(w, r, wireAnswers(answers), err)
}

func (s *server) changes(w http.ResponseWriter, r *http.Request) {
	if !s.verified(w, r, []byte(r.URL.RawQuery)) {
		return
	}
	since, err := parseSince(r.URL.RawQuery)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	page, err := s.system.Changes(r.Context(), since)
	s.answer(w, r, wirePage(page), err)
}

func (s *server) open(w http.ResponseWriter, r *http.Request) {
	if !s.verified(w, r, []byte(r.URL.RawQuery)) {
		return
	}
	after, err := parseAfter(r.URL.RawQuery)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	list, err := s.system.Open(r.Context(), after)
	body := openBody{Open: []standing{}}
	size := frame
	for _, st := range list {
		wired := wireStanding(st)
		b, failed := encode(wired)
		if size += len(b) + 1; failed != nil || size > MaxBody {
			break // the node goes on after the last
		}
		body.Open = append(body.Open, wired)
	}
	s.answer(w, r, body, err)
}

// verified answers 401 where a message is not the node's, not of now, or came before. A GET may
// come twice: it changes nothing, and HTTP clients repeat it by themselves.
func (s *server) verified(w http.ResponseWriter, r *http.Request, payload []byte) bool {
	now := s.config.Now()
	err := verify(s.config.Secrets, r.Header, payload, now)
	if err == nil && r.Method == http.MethodPost && !s.replays.first(r.Header.Get(standard.HeaderWebhookID), now) {
		err = errors.New("the message came before")
	}
	if err != nil {
		s.refuse(w, http.StatusUnauthorized, err.Error())
	}
	return err == nil
}

// answer writes what the system said. What it failed with is logged, and not told.
func (s *server) answer(w http.ResponseWriter, r *http.Request, body any, err error) {
	var b []byte
	if err == nil {
		b, err = encode(body)
	}
	if err == nil && len(b) > MaxBody {
		err = errors.New("the answer is longer than 64 KiB")
	}
	if err != nil {
		s.config.Log.Warn("the system behind the bridge failed", "call", r.URL.Path, "err", err)
		s.refuse(w, http.StatusServiceUnavailable, "the system failed; its log has more")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(b)
}

func (s *server) refuse(w http.ResponseWriter, status int, detail string) {
	b, _ := encode(problemBody{detail}) // a string can be encoded
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	w.Write(b)
}
