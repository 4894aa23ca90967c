package testnet

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/store/durable"
)

// stateName is the file that tells a testnet's folder from any other and says what
// the testnet consists of.
const stateName = "testnet.json"

// State is testnet.json. It is written whenever a process was started.
type State struct {
	PID   int      `json:"pid"` // of the testnet itself
	Hub   Member   `json:"hub"`
	Shops []Member `json:"shops"`
}

// Member is a hub or a shop of a testnet.
type Member struct {
	Name   string          `json:"name"`
	Folder string          `json:"folder"`        // below the testnet's
	Shop   exchange.ShopID `json:"shop,omitzero"` // of a shop
	URL    string          `json:"url,omitempty"` // of a shop's API or the hub's status page
	PID    int             `json:"pid"`           // last started
}

func (s *State) all() []Member { return append([]Member{s.Hub}, s.Shops...) }

func errNoTestnet(dir string) error {
	return exchange.Errorf(exchange.CodeNotFound, "there is no testnet in %s. Start one with: souk testnet up --dir %s", dir, dir)
}

func readState(dir string) (*State, error) {
	path := filepath.Join(dir, stateName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoTestnet(dir)
	}
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s is damaged; delete the folder %s yourself: %w", path, dir, err)
	}
	for _, m := range s.all() {
		if m.Folder != filepath.Base(m.Folder) || !filepath.IsLocal(m.Folder) {
			return nil, exchange.Errorf(exchange.CodeInvalid, "%s names the folder %q, which is no testnet's; delete %s yourself", path, m.Folder, dir)
		}
	}
	return &s, nil
}

// write replaces the state file whole.
func (s *State) write(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	path := filepath.Join(dir, stateName)
	return durable.Write(path, append(b, '\n'), 0o600)
}

// claim makes dir the folder of a new testnet and locks it. A stopped former
// testnet in it is removed, which replaced reports. Anything else in it is an error
// and stays as it is.
func claim(dir string) (lock *store.FolderLock, replaced bool, err error) {
	if err := refuseForeign(dir); err != nil {
		return nil, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, exchange.Errorf(exchange.CodeInternal, "the folder cannot be made: %w", err)
	}
	if lock, err = store.Lock(dir); exchange.CodeOf(err) == exchange.CodeLocked {
		return nil, false, exchange.Errorf(exchange.CodeLocked, "a testnet runs in %s already (process %d). See souk testnet status --dir %s, or stop it with souk testnet down --dir %s", dir, store.LockedBy(dir), dir, dir)
	}
	if err != nil {
		return nil, false, err
	}
	if replaced, err = removeStopped(dir); err != nil {
		return nil, false, errors.Join(err, lock.Unlock())
	}
	return lock, replaced, nil
}

// refuseForeign fails with CodeConflict where dir holds what no testnet put there.
func refuseForeign(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return exchange.Errorf(exchange.CodeInvalid, "%s cannot be used as a folder: %w", dir, err)
	}
	known := []string{stateName, store.LockFile}
	if s, err := readState(dir); err == nil {
		for _, m := range s.all() {
			known = append(known, m.Folder)
		}
	} else if exchange.CodeOf(err) != exchange.CodeNotFound {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(known, e.Name()) && !durable.IsTemp(e.Name()) {
			return exchange.Errorf(exchange.CodeConflict, "%s holds %s, which is no testnet's; choose an empty or new folder with --dir", dir, e.Name())
		}
	}
	return nil
}

// removeStopped removes a former testnet; the caller holds dir's lock.
func removeStopped(dir string) (removed bool, err error) {
	s, err := readState(dir)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, m := range s.all() {
		if pid, held, err := store.Holder(filepath.Join(dir, m.Folder)); err != nil {
			return false, err
		} else if held {
			return false, exchange.Errorf(exchange.CodeLocked, "%s of a former testnet in %s still runs (process %d); stop it with souk testnet down --dir %s", m.Name, dir, pid, dir)
		}
	}
	for _, m := range s.all() {
		if err := os.RemoveAll(filepath.Join(dir, m.Folder)); err != nil {
			return false, exchange.Errorf(exchange.CodeInternal, "the former testnet cannot be removed: %w", err)
		}
	}
	if err := os.Remove(filepath.Join(dir, stateName)); err != nil {
		return false, exchange.Errorf(exchange.CodeInternal, "the former testnet cannot be removed: %w", err)
	}
	return true, nil
}

// Status is a testnet as it is now.
type Status struct {
	Dir     string         `json:"dir"`
	Running bool           `json:"running"` // souk testnet up itself
	PID     int            `json:"pid,omitempty"`
	Hub     MemberStatus   `json:"hub"`
	Shops   []MemberStatus `json:"shops"`
}

// MemberStatus is a member of a testnet as it is now.
type MemberStatus struct {
	Member
	Alive   bool   `json:"alive"`
	Ready   bool   `json:"ready"`
	Problem string `json:"problem,omitempty"` // why it is not ready
}

// askTime bounds the question whether a member is ready: it is on this machine.
const askTime = 2 * time.Second

// Look reports on the testnet in dir, running or not. CodeNotFound where there
// is none.
func Look(ctx context.Context, dir string) (*Status, error) {
	dir = orDefaultDir(dir)
	state, err := readState(dir)
	if err != nil {
		return nil, err
	}
	s := &Status{Dir: dir}
	if s.PID, s.Running, err = store.Holder(dir); err != nil {
		return nil, err
	}
	if s.Hub, err = look(ctx, dir, state.Hub, hubReady); err != nil {
		return nil, err
	}
	for _, m := range state.Shops {
		shop, err := look(ctx, dir, m, shopReady)
		if err != nil {
			return nil, err
		}
		s.Shops = append(s.Shops, shop)
	}
	return s, nil
}

func look(ctx context.Context, dir string, m Member, ready func(context.Context, string) error) (MemberStatus, error) {
	s := MemberStatus{Member: m}
	folder := filepath.Join(dir, m.Folder)
	var err error
	if s.PID, s.Alive, err = store.Holder(folder); err != nil || !s.Alive {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := ready(ctx, folder); err != nil {
		s.Problem = err.Error()
	}
	s.Ready = s.Problem == ""
	return s, nil
}
