package tomlfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store/tomlfile"
)

type config struct {
	Name  string `toml:"name" comment:"What it is called."`
	Port  int    `toml:"port"`
	Page  page   `toml:"page"`
	Zones []zone `toml:"zone,omitempty"`
}

type page struct {
	Port int `toml:"port"`
}

type zone struct {
	Flat string `toml:"flat"`
}

func TestRead(t *testing.T) {
	bad := func(key string) func(config) error {
		return func(config) error { return tomlfile.AtKey(key, errors.New("it is bad")) }
	}
	const zones = "port = 1\n[page]\nport = 2\n[[zone]]\nflat = '1'\n\n[[zone]]\nflat = '2'\n"
	for _, c := range []struct {
		name, text string
		check      func(config) error
		says       []string // nil = it is read
	}{
		{"everything", "name = 'a'\n" + zones, nil, nil},
		{"nothing", "", nil, nil},
		{"accepted by the check", zones, func(c config) error {
			if c.Port != 1 || c.Page.Port != 2 || len(c.Zones) != 2 {
				return errors.New("something was not read")
			}
			return nil
		}, nil},
		{"unknown key", "name = 'a'\nnmae = 'b'\n", nil, []string{"does not know", "nmae", "2|"}},
		{"unknown table", "[pages]\nport = 1\n", nil, []string{"does not know", "pages"}},
		{"wrong type", "name = 'a'\nport = 'b'\n", nil, []string{"2|", "port"}},
		{"no TOML", "name = 'a'\n}\n", nil, []string{"2|"}},
		{"the same key twice", "name = 'a'\nname = 'b'\n", nil, []string{"2|", "name"}},
		{"bad key", zones, bad("port"), []string{", line 1: port: it is bad"}},
		{"bad key of a table", zones, bad("page.port"), []string{", line 3: page.port: it is bad"}},
		{"bad key of the second table of an array", zones, bad("zone[2].flat"), []string{", line 8: zone[2].flat"}},
		{"bad table", zones, bad("page"), []string{", line 2: page: it is bad"}},
		{"bad key that a table lacks", zones, bad("page.name"), []string{", line 2: page.name"}},
		{"bad key that the file lacks", zones, bad("name"), []string{"config.toml: name: it is bad"}},
		{"bad key inside another error", zones, func(c config) error {
			return exchange.Errorf(exchange.CodeConflict, "no: %w", bad("port")(c))
		}, []string{", line 1: no: port: it is bad"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := tomlfile.Read(path, c.check)
			if c.says == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Fatalf("read as %v", err)
			}
			for _, s := range append(c.says, path) {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestReadMissing(t *testing.T) {
	if _, err := tomlfile.Read[config](filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestWriteRead: what is written, its comments and the tail among it, is read again.
func TestWriteRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := tomlfile.Write(path, "# head\n", config{Name: "a", Page: page{7}}, "\n[[zone]]\nflat = '3'\n"); err != nil {
		t.Fatal(err)
	}
	c, err := tomlfile.Read[config](path, nil)
	if err != nil || c.Name != "a" || c.Page.Port != 7 || len(c.Zones) != 1 || c.Zones[0].Flat != "3" {
		t.Errorf("read %+v, %v", c, err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), "# What it is called.") {
		t.Errorf("no comments in %q, %v", b, err)
	}
}

// TestLacks: what stands in a comment or in another table is not stated.
func TestLacks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte("a = false\n# b = 1\n[c]\nd = 1\n[[e]]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := tomlfile.Lacks(path, "a", "b", "c", "d", "e")
	if err != nil || !slices.Equal(got, []string{"b", "d"}) {
		t.Errorf("%v, %v", got, err)
	}
}
