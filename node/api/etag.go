package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Entity tags (RFC 9110, section 8.8.3). The tag of an answer is a digest of the answer itself, so
// that it is true whatever the answer was made of: shelf, orders, ledger, partner, rate and names.

// tagBytes of a SHA-256 tell answers apart: 128 bits.
const tagBytes = 16

// sayingNow is what the answer of a route says of the moment it was made, and nothing else of it
// depends on. Two answers that differ in it alone have one tag, which is weak for that.
type sayingNow struct{ *regexp.Regexp }

// asOfNow is when an answer's products were looked at. Within a JSON text the quotes are escaped, so
// that no text is taken for it.
var asOfNow = sayingNow{regexp.MustCompile(`"as_of":"[^"]*",?`)}

// tagged answers a GET with an entity tag, or with 304 where the caller has the answer.
func (s *Server) tagged(w http.ResponseWriter, r *http.Request, rt *route) {
	answer := newCapture()
	s.router.mux.ServeHTTP(answer, r)
	if answer.status != http.StatusOK {
		answer.writeTo(w)
		return
	}
	tag := answer.header.Get("ETag")
	if tag == "" {
		tag = tagOf(answer.body.Bytes(), rt.now)
		answer.header.Set("ETag", tag)
	}
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answer.writeTo(w)
}

func tagOf(body []byte, now sayingNow) string {
	weak := ""
	if now.Regexp != nil {
		weak, body = "W/", now.ReplaceAll(body, nil)
	}
	sum := sha256.Sum256(body)
	return weak + `"` + hex.EncodeToString(sum[:tagBytes]) + `"`
}

// matches reports whether an If-None-Match names the tag, by the weak comparison.
func matches(fields []string, tag string) bool {
	strong := func(tag string) string { return strings.TrimPrefix(strings.TrimSpace(tag), "W/") }
	for _, field := range fields {
		for one := range strings.SplitSeq(field, ",") { // no tag of this server has a comma
			if strings.TrimSpace(one) == "*" || strong(one) == strong(tag) {
				return true
			}
		}
	}
	return false
}

// documentTags adds the tag, and how to ask with it.
func documentTags(op *huma.Operation, rt *route) {
	if !rt.tagged {
		return
	}
	text := &huma.Schema{Type: huma.TypeString}
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: "If-None-Match", In: "header", Schema: text, Description: "ETag of an answer that the caller has: if it would be the same, the answer is 304.",
	})
	what := "Changes with the answer, byte for byte."
	if rt.now.Regexp != nil {
		what = "Weak: changes with the answer, but not with as_of alone."
	}
	tag := map[string]*huma.Param{"ETag": {Description: what, Schema: text}}
	op.Responses["304"] = &huma.Response{Description: "The caller has the answer.", Headers: tag}
	with := *op.Responses["200"]
	with.Headers = tag
	op.Responses["200"] = &with
}
