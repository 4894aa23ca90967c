package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/keyfile"
	"github.com/souk-market/souk/protocol/words"
	"github.com/souk-market/souk/store/durable"
)

// Names in a shop's folder; see the package's doc.
const (
	keyName        = "key"
	keyPurpose     = "shop"
	inviteName     = "invite"
	federationName = "federation.json"
	recoveryName   = "recovery.pub"
	ratesName      = "rates"
	storeName      = "db"
	replicasName   = "replicas"
	archiveName    = "archive.json"
)

// InitOptions are what a new shop needs to say.
type InitOptions struct {
	Name     string
	Currency exchange.Currency // in any case
	Listen   []string          // nil = DefaultListen
	Announce []string
	API      string // "" = DefaultAPI
}

// NewShop is what Init made.
type NewShop struct {
	Shop        exchange.ShopID
	Fingerprint string // words, to be compared by telephone
	Recovery    string // words of the offline recovery key; kept nowhere else
}

// Init makes a shop's folder: key, configuration, and the offline recovery key
// of which only the public half stays in the folder. It never overwrites.
func Init(dir string, o InitOptions) (*NewShop, error) {
	cfg := Config{
		Name: strings.TrimSpace(o.Name), Currency: exchange.Currency(strings.ToUpper(string(o.Currency))), Listen: o.Listen, Announce: o.Announce, Relay: relayOn, API: o.API,
		Profile: ProfileConfig{Countries: []string{}},
	}
	if cfg.Listen == nil {
		cfg.Listen = DefaultListen
	}
	if cfg.Announce == nil {
		cfg.Announce = []string{}
	}
	if cfg.API == "" {
		cfg.API = DefaultAPI
	}
	err := cfg.check()
	if err == nil {
		err = cfg.checkNewAnnounce()
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return nil, exchange.Errorf(exchange.CodeConflict, "%s holds a shop already; choose another folder", dir)
	}
	key, err := keyfile.Create(filepath.Join(dir, keyName), keyPurpose, rand.Reader)
	if err != nil {
		return nil, err
	}
	_, recovery, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	hash := words.RecoveryHash(recovery)
	if err := writeJSON(filepath.Join(dir, recoveryName), recoveryFile{Hash: hash[:]}); err != nil {
		return nil, err
	}
	// Last: a folder with a configuration is complete.
	if err := writeConfig(dir, cfg); err != nil {
		return nil, err
	}
	shop, err := exchange.ShopIDFromKey(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return &NewShop{Shop: shop, Fingerprint: words.Fingerprint(key.Public().(ed25519.PublicKey)), Recovery: words.RecoveryPhrase(recovery)}, nil
}

// recoveryFile keeps the hash of the recovery public key for the join entry.
type recoveryFile struct {
	Hash []byte `json:"sha256"`
}

// federationFile is federation.json.
type federationFile struct {
	Federation membership.Federation `json:"federation"`
	Hub        membership.Hub        `json:"hub"`
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return durable.Write(path, append(b, '\n'), 0o600)
}

// readJSON reports whether there is such a file.
func readJSON(path string, v any) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, exchange.Errorf(exchange.CodeInvalid, "%s is damaged: %w", path, err)
	}
	return true, nil
}

// SaveInvite checks an invite's form and keeps it in the folder, to be used by
// Join or by the next start. CodeState: the shop is in a federation already. CodeNotMember:
// the shop departed from its federation.
func SaveInvite(dir, code string) error {
	if _, err := readConfig(dir); err != nil {
		return err
	}
	if _, err := membership.ParseInvite(code); err != nil {
		return err
	}
	var f federationFile
	if joined, err := readJSON(filepath.Join(dir, federationName), &f); err != nil {
		return err
	} else if joined {
		return inAlready(dir, f.Federation)
	}
	return durable.Write(filepath.Join(dir, inviteName), []byte(strings.TrimSpace(code)+"\n"), 0o600)
}
