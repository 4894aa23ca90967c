package tomlfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	toml "github.com/pelletier/go-toml/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store/durable"
)

// Read decodes the file at path and checks what it says; a nil check accepts all. Keys that the
// file lacks keep T's zero values. What cannot be used is CodeInvalid. A file that cannot be read
// is the system's own error, [io/fs.ErrNotExist] where there is none.
func Read[T any](path string, check func(T) error) (T, error) {
	var v, none T
	b, err := os.ReadFile(path)
	if err != nil {
		return none, err
	}
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(&v); err != nil {
		return none, undecoded(path, err)
	}
	if check == nil {
		return v, nil
	}
	if err := check(v); err != nil {
		return none, inFile(path, string(b), err)
	}
	return v, nil
}

func undecoded(path string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		return exchange.Errorf(exchange.CodeInvalid, "%s has keys this version does not know:\n%s", path, unknown.String())
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		return exchange.Errorf(exchange.CodeInvalid, "%s:\n%s", path, at.String())
	}
	return exchange.Errorf(exchange.CodeInvalid, "%s: %w", path, err)
}

// Lacks returns those of keys that the file at path does not state at its top level, as key or as
// table. The file must be readable by [Read].
func Lacks(path string, keys ...string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var stated map[string]any
	if err := toml.Unmarshal(b, &stated); err != nil {
		return nil, undecoded(path, err)
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
		_, ok := stated[k]
		return ok
	}), nil
}

// Write replaces the file at path durably with the text head, v with its comment tags, and the
// text tail.
func Write(path, head string, v any, tail string) error {
	b, err := toml.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s could not be written: %w", path, err)
	}
	return durable.Write(path, []byte(head+string(b)+tail), 0o644)
}
