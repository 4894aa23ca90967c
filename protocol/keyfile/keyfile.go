package keyfile

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store/durable"
)

const header = "souk-key-1"

// Create generates a key from random and writes it durably to path, which must
// not exist.
func Create(path, purpose string, random io.Reader) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(random)
	if err != nil {
		return nil, err
	}
	line := fmt.Sprintf("%s %s %s\n", header, purpose, base64.StdEncoding.EncodeToString(key.Seed()))
	err = durable.Create(path, []byte(line), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, exchange.Errorf(exchange.CodeConflict, "%s exists; a key is never overwritten. Use another folder, or move the file away if you are sure", path)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// Read reads the key of a purpose. CodeNotFound where there is no file.
func Read(path, purpose string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exchange.Errorf(exchange.CodeNotFound, "there is no %s key at %s", purpose, path)
	}
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s may be read by others (mode %v); run chmod 600 on it", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(string(b))
	if len(parts) != 3 || parts[0] != header {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s is not a Souk key file", path)
	}
	if parts[1] != purpose {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s holds a %s key, not a %s key", path, parts[1], purpose)
	}
	seed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s is damaged; restore it from your backup", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
