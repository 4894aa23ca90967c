package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/keyfile"
	"github.com/souk-market/souk/store"
)

// What an audit reads in a shop's folder; see package node.
const (
	keyFile     = "key"
	keyPurpose  = "shop"
	storeFolder = "db"
)

// shopAudit is what the audit of one folder found.
type shopAudit struct {
	Dir        string          `json:"dir"`
	Shop       exchange.ShopID `json:"shop"`
	Name       string          `json:"name,omitempty"`
	Federation string          `json:"federation,omitempty"`
	// Extent is "all"; "counts" where signatures and ledgers could not be checked for want
	// of a member list; "nothing" where the database does not open.
	Extent   string          `json:"extent"`
	Checked  audit.Count     `json:"checked"`
	Faults   []*audit.Fault  `json:"faults"`
	Findings []audit.Finding `json:"findings"`
}

const (
	extentAll     = "all"
	extentCounts  = "counts"
	extentNothing = "nothing"
)

func (s *shopAudit) fault(r audit.Rule, where, what string) {
	s.Faults = append(s.Faults, &audit.Fault{Rule: r, Where: where, What: what})
}

// auditFolder is a folder to check. shop is whose it is, where its owner has said so.
type auditFolder struct{ dir, shop string }

// check checks the folder. The books are nil where it could not be read whole.
func (f auditFolder) check(ctx context.Context, tell func(audit.Count)) (*shopAudit, *audit.Books, error) {
	me, err := f.whose()
	if err != nil {
		return nil, nil, err
	}
	out := &shopAudit{Dir: f.dir, Shop: me, Extent: extentNothing, Faults: []*audit.Fault{}, Findings: []audit.Finding{}}
	db, err := f.open()
	if errors.Is(err, store.ErrDamaged) {
		out.fault(audit.Records, filepath.Join(f.dir, storeFolder), err.Error()+". Nothing in it could be checked")
		return out, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	check := audit.Check{Shop: me, Store: db, Codec: protocol.Codec{}, Progress: tell}
	if err := f.readList(out, db, &check); err != nil {
		return nil, nil, err
	}
	books, report, err := check.Run(ctx)
	if err != nil {
		return nil, nil, err
	}
	out.Checked = report.Count
	out.Faults = append(out.Faults, report.Faults...)
	out.Findings = append(out.Findings, report.Findings...)
	if out.Extent != extentAll {
		return out, nil, nil
	}
	return out, books, nil
}

// whose is the shop that owns the folder.
func (f auditFolder) whose() (me exchange.ShopID, err error) {
	if hub, err := holdsFile(f.dir, hubFile); err == nil && hub {
		return me, exchange.Errorf(exchange.CodeNotFound, "%s is a hub's folder, and a hub keeps no books; name a shop's folder with --dir", f.dir)
	}
	if ok, err := holdsFile(f.dir, storeFolder); err != nil || !ok {
		if err == nil {
			err = exchange.Errorf(exchange.CodeNotFound, "%s is no shop's folder: it has no folder %s. Name the folder that %s lies in with --dir", f.dir, storeFolder, storeFolder)
		}
		return me, err
	}
	if f.shop != "" {
		if me, err = exchange.ParseShopID(f.shop); err != nil {
			return me, &usageError{err}
		}
		return me, nil
	}
	key, err := keyfile.Read(filepath.Join(f.dir, keyFile), keyPurpose)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return me, exchange.Errorf(exchange.CodeNotFound, "%s has no file %s, which says whose folder it is; for a copy without it say so with --dir FOLDER --shop SHOPID", f.dir, keyFile)
	}
	if err != nil {
		return me, err
	}
	return exchange.ShopIDFromKey(key.Public().(ed25519.PublicKey))
}

// open copies the database while no process uses the folder, and opens the copy.
func (f auditFolder) open() (*store.DB, error) {
	release, err := store.KeepOut(f.dir)
	if err == nil {
		var db *store.DB
		db, err = store.ReadOnly(filepath.Join(f.dir, storeFolder))
		if uerr := release(); err == nil && uerr != nil {
			return nil, errors.Join(uerr, db.Close())
		}
		if err == nil {
			return db, nil
		}
	}
	if exchange.CodeOf(err) == exchange.CodeLocked {
		return nil, exchange.Errorf(exchange.CodeLocked, "a process uses %s, and was left alone: %w. Stop the node and run this again; or stop it, copy the folder, start it again, and audit the copy. Do not copy the folder while the node runs: such a copy may look damaged", f.dir, err)
	}
	return nil, err
}

// everKnown verifies with the key of every shop that ever joined: what a departed shop signed as a
// member stays signed.
type everKnown struct{ list *roster.Roster }

func (k everKnown) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	m, ok := k.list.Member(shop)
	return m.Key, ok
}

// wallClock is the machine's clock.
type wallClock struct{}

func (wallClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// nobody is the list of a shop that is in no federation: it has signed nothing.
type nobody struct{}

func (nobody) Key(exchange.ShopID) (ed25519.PublicKey, bool) { return nil, false }

// readList prepares the check by the member list in the store. Where that cannot be
// trusted, only counts are left to check.
func (f auditFolder) readList(out *shopAudit, db *store.DB, check *audit.Check) error {
	where := "the member list in " + filepath.Join(f.dir, storeFolder)
	fed, ok, err := roster.Stored(db)
	said, joined, ferr := f.federation()
	switch {
	case ferr != nil:
		out.fault(audit.Records, filepath.Join(f.dir, federationFile), ferr.Error())
	case err == nil && joined && !ok:
		err = errors.New("it is missing")
	case err == nil && joined && !said.Equal(fed):
		out.fault(audit.Records, filepath.Join(f.dir, federationFile), "it names the federation "+said.Origin+", and the database is of "+fed.Origin+": the files of two shops are mixed up")
	}
	if err == nil && !ok {
		out.Extent = extentAll
		check.Verifier = protocol.NewVerifier("", nobody{})
		return nil
	}
	var list *roster.Roster
	if err == nil {
		list, err = roster.Open(roster.Config{Store: db, Federation: fed, Clock: wallClock{}})
	}
	if err != nil {
		out.Extent = extentCounts
		out.fault(audit.Signed, where, cause(err).Error()+". Without it no signature can be verified and no ledger replayed: only the counts were checked")
		return nil
	}
	out.Federation = fed.Origin
	names := uniqueNames(list)
	out.Name = names[check.Shop]
	check.Name = func(s exchange.ShopID) string {
		if n := names[s]; n != "" {
			return n
		}
		return "…" + s.Short()
	}
	if _, ok := list.Member(check.Shop); !ok {
		return exchange.Errorf(exchange.CodeInvalid, "the member list in %s does not name the shop %s: either --shop or the file %s is another shop's. Nothing was checked", f.dir, check.Shop, keyFile)
	}
	out.Extent = extentAll
	check.Verifier = protocol.NewVerifier(fed.Origin, everKnown{list})
	return nil
}

// cause is why a member list is damaged, without the advice for a shop that is to start.
func cause(err error) error {
	var e *exchange.Error
	if errors.As(err, &e) && e.Code == exchange.CodeSignature {
		if inner := errors.Unwrap(e); inner != nil {
			return inner
		}
	}
	return err
}

// uniqueNames are the names of all shops that ever joined, with the end of the ShopID where two
// shops have the same name.
func uniqueNames(list *roster.Roster) map[exchange.ShopID]string {
	bear := map[string]int{}
	for _, m := range list.Members() {
		bear[m.Name]++
	}
	names := map[exchange.ShopID]string{}
	for _, m := range list.Members() {
		names[m.Shop] = m.Name
		if bear[m.Name] > 1 {
			names[m.Shop] += " (…" + m.Shop.Short() + ")"
		}
	}
	return names
}

// federation is what federation.json names, where there is such a file.
func (f auditFolder) federation() (fed membership.Federation, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(f.dir, federationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fed, false, nil
	}
	var file struct {
		Federation membership.Federation `json:"federation"`
	}
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	return file.Federation, err == nil, err
}
