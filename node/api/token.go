package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store/durable"
)

// Files in a shop's folder by which a client finds the API.
const (
	TokenFile = "api.token" // the bearer token, 0600
	AddrFile  = "api.addr"  // host:port, while the server runs
)

// tokenBytes of randomness cannot be guessed: 256 bits.
const tokenBytes = 32

// EnsureToken returns the bearer token of the shop in dir, and makes it, readable
// by the owner alone, where there is none. To change it, delete the file and
// restart the shop.
func EnsureToken(dir string) (string, error) {
	path := filepath.Join(dir, TokenFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeToken(path)
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if err := checkToken(token); err != nil {
		return "", exchange.Errorf(exchange.CodeInvalid, "%s is damaged: delete it, a new one is made at the next start", path)
	}
	return token, nil
}

func makeToken(path string) (string, error) {
	secret := make([]byte, tokenBytes)
	rand.Read(secret)
	token := base64.RawURLEncoding.EncodeToString(secret)
	return token, durable.Write(path, []byte(token+"\n"), 0o600)
}

func checkToken(token string) error {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(b) < tokenBytes {
		err = errors.New("it is too short")
	}
	if err != nil {
		return exchange.Errorf(exchange.CodeInvalid, "the API's token is %d random bytes in base64url: %w", tokenBytes, err)
	}
	return nil
}

// announce writes where the API listens into dir, for clients on this machine.
func announce(dir string, addr net.Addr) error {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.To4() == nil {
			host = "::1"
		}
	}
	return durable.Write(filepath.Join(dir, AddrFile), []byte(net.JoinHostPort(host, port)+"\n"), 0o600)
}

// bearer knows the token by its hash: comparing hashes takes the same time
// whatever was sent.
type bearer [sha256.Size]byte

func newBearer(token string) bearer { return sha256.Sum256([]byte(token)) }

// admits reports whether r carries the token, which is read from its
// Authorization header alone: a URL ends up in logs and histories.
func (b bearer) admits(r *http.Request) bool {
	const scheme = "Bearer "
	h := r.Header.Get("Authorization")
	if len(h) < len(scheme) || !strings.EqualFold(h[:len(scheme)], scheme) {
		return false
	}
	sum := sha256.Sum256([]byte(h[len(scheme):]))
	return subtle.ConstantTimeCompare(sum[:], b[:]) == 1
}
