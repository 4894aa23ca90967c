package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Paths of an operation besides its own. All lead to the same handler. A request with a known
// Idempotency-Key is a repeat by each of the paths.

const (
	// originalTag marks the operations of the original protocol, which stay.
	originalTag = "original protocol"
	// deprecatedSince is when the singular paths became deprecated, in Unix seconds:
	// 2026-11-30. There is no Sunset header while the day of the release that drops these
	// paths is not set.
	deprecatedSince = 1_795_996_800
)

// original is op at the path that the original protocol gives it.
func original(op huma.Operation, path string) huma.Operation {
	op.OperationID, op.Path = "original-"+op.OperationID, path
	op.Summary += " (the original protocol's path)"
	op.Tags = []string{originalTag}
	return op
}

// deprecated is op at a path of the version before.
func deprecated(op huma.Operation, path string) huma.Operation {
	op.Description = fmt.Sprintf("Answers for one release, with the headers Deprecation and Link. Use %s %s.", op.Method, op.Path)
	op.OperationID, op.Path, op.Deprecated = "deprecated-"+op.OperationID, path, true
	return op
}

// deprecate tells the caller of a deprecated path so (RFC 9745), and the path to use.
func (rt *route) deprecate(h http.Header, path string) {
	if rt.deprecated {
		h.Set("Deprecation", fmt.Sprintf("@%d", deprecatedSince))
		h.Set("Link", fmt.Sprintf(`<%s>; rel="successor-version"`, rewrite(rt.path, rt.successor, path)))
	}
}

// keyPath is the path under which a request's Idempotency-Key is recorded: the path that the
// operation had first. So a repeat may come by another path, and keys that the version
// before has recorded are honoured.
func (rt *route) keyPath(path string) string {
	if rt.first == "" {
		return path
	}
	return rewrite(rt.path, rt.first, path)
}

// rewrite is the path by the pattern to with the values that path, a match of the pattern
// from, has under the same names. Values stay percent-encoded.
func rewrite(from, to, path string) string {
	names, values := strings.Split(from, "/"), strings.Split(path, "/")
	if len(names) != len(values) {
		return path
	}
	var pairs []string
	for i, name := range names {
		if strings.HasPrefix(name, "{") {
			pairs = append(pairs, name, values[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(to)
}
