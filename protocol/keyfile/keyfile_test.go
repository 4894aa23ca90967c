package keyfile_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/keyfile"
)

func TestCreateRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	key, err := keyfile.Create(path, "shop", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Read(path, "shop")
	if err != nil || !got.Equal(key) {
		t.Fatalf("read another key: %v", err)
	}
	if _, err := keyfile.Create(path, "shop", rand.Reader); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("overwrote a key: %v", err)
	}
	if _, err := keyfile.Read(path, "log"); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("read a shop key as a log key: %v", err)
	}
	if _, err := keyfile.Read(path+"x", "shop"); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("read a missing file: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Read(path, "shop"); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("read a key that everybody may read: %v", err)
	}
}

func TestReadDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "other": "hello world", "short": "souk-key-1 shop AAAA", "garbage": "souk-key-1 shop !!!!", "long": "souk-key-1 shop AAAA AAAA",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if key, err := keyfile.Read(path, "shop"); err == nil || len(key) == ed25519.PrivateKeySize {
				t.Errorf("read %q", text)
			}
		})
	}
}
