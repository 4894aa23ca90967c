package membership

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/souk-market/souk/exchange"
)

// TestCheckpointBySpec builds both signature lines by hand from the C2SP texts
// (signed-note, tlog-checkpoint, tlog-cosignature) and holds ours against them byte for byte.
func TestCheckpointBySpec(t *testing.T) {
	w := newWorld(t)
	var root tlog.Hash
	for i := range root {
		root[i] = byte(i)
	}
	const at = 1772366400
	c := must(SignCheckpoint(w.fed, w.logKey, 7, root, at*1000+999))(t)

	text := w.fed.Origin + "\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
	keyID := func(alg byte) []byte {
		sum := sha256.Sum256(append(append([]byte(w.fed.Origin), '\n', alg), w.fed.LogKey...))
		return sum[:4]
	}
	plain := append(keyID(1), ed25519.Sign(w.logKey, []byte(text))...)
	timed := binary.BigEndian.AppendUint64(keyID(4), at)
	timed = append(timed, ed25519.Sign(w.logKey, []byte("cosignature/v1\ntime 1772366400\n"+text))...)
	want := fmt.Sprintf("%s\n— %s %s\n— %s %s\n", text,
		w.fed.Origin, base64.StdEncoding.EncodeToString(plain), w.fed.Origin, base64.StdEncoding.EncodeToString(timed))
	if string(c.Note) != want {
		t.Fatalf("%s\nwant\n%s", c.Note, want)
	}
	if c.Size != 7 || c.Root != root || c.Time != at*1000 {
		t.Fatalf("%+v", c)
	}

	// The note package's own verifier, from the published verifier key, agrees.
	v := must(note.NewVerifier(w.fed.VerifierKey()))(t)
	n, err := note.Open(c.Note, note.VerifierList(v))
	if err != nil || n.Text != text || len(n.UnverifiedSigs) != 1 {
		t.Fatalf("%+v, %v", n, err)
	}
}

// TestCosignatureVector is the example of C2SP tlog-cosignature: its witness' key is not
// published, so what is held is the layout of its line.
func TestCosignatureVector(t *testing.T) {
	line := must(base64.StdEncoding.DecodeString("jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="))(t)
	if len(line) != 4+8+ed25519.SignatureSize || binary.BigEndian.Uint64(line[4:]) != 1679315147 {
		t.Fatalf("%x", line)
	}
	want := "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	if got := cosigned(1679315147, []byte(want[strings.Index(want, "example"):])); string(got) != want {
		t.Fatalf("%s", got)
	}
}

func TestCheckpointRefused(t *testing.T) {
	w := newWorld(t)
	root := emptyRoot
	good := must(SignCheckpoint(w.fed, w.logKey, 0, root, w.now))(t)
	hash := root.String()

	// signed makes a note of any text with the hub's true signatures.
	signed := func(text string, at uint64, keys ...byte) []byte {
		var signers []note.Signer
		for _, alg := range keys {
			signers = append(signers, logKey{name: w.fed.Origin, alg: alg, public: w.fed.LogKey, private: w.logKey, at: at})
		}
		return must(note.Sign(&note.Note{Text: text}, signers...))(t)
	}
	both := []byte{algEd25519, algCosignature}
	at := uint64(w.now / 1000)
	other := newWorld(t)
	other.logKey = seededKey(8)
	lines := strings.SplitAfter(string(good.Note), "\n")

	for name, b := range map[string][]byte{
		"empty":               nil,
		"no time":             signed(w.fed.Origin+"\n0\n"+hash+"\n", at, algEd25519),
		"only a time":         signed(w.fed.Origin+"\n0\n"+hash+"\n", at, algCosignature),
		"time zero":           signed(w.fed.Origin+"\n0\n"+hash+"\n", 0, both...),
		"time after all":      signed(w.fed.Origin+"\n0\n"+hash+"\n", 1<<63, both...),
		"another origin":      signed("souk/other-00000000\n0\n"+hash+"\n", at, both...),
		"an extension line":   signed(w.fed.Origin+"\n0\n"+hash+"\nmore\n", at, both...),
		"two lines":           signed(w.fed.Origin+"\n0\n", at, both...),
		"a leading zero":      signed(w.fed.Origin+"\n00\n"+hash+"\n", at, both...),
		"a negative size":     signed(w.fed.Origin+"\n-1\n"+hash+"\n", at, both...),
		"a size over all":     signed(w.fed.Origin+"\n1000001\n"+hash+"\n", at, both...),
		"a short root":        signed(w.fed.Origin+"\n1\nAAAA\n", at, both...),
		"a root's other form": signed(w.fed.Origin+"\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n", at, both...),
		"empty, other root":   signed(w.fed.Origin+"\n0\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", at, both...),
		"a changed time":      bytes.Replace(good.Note, []byte(lines[5]), []byte(strings.Replace(lines[5], "AAAA", "AAAB", 1)), 1),
		"a changed size":      bytes.Replace(good.Note, []byte("\n0\n"), []byte("\n1\n"), 1),
		"too long":            append(bytes.Clone(good.Note), bytes.Repeat([]byte("— x AAAAAAAAAAAA\n"), 400)...),
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := OpenCheckpoint(w.fed, b); err == nil {
				t.Errorf("%+v", c)
			}
		})
	}
	if _, err := SignCheckpoint(w.fed, other.logKey, 0, root, w.now); err == nil {
		t.Error("another key signed")
	}
	if _, err := OpenCheckpoint(w.fed, good.Note); err != nil {
		t.Error(err)
	}
}

// TestForeignLinesAreDropped lets a witness sign too, and puts the lines in any order.
func TestForeignLinesAreDropped(t *testing.T) {
	w := newWorld(t)
	good := must(SignCheckpoint(w.fed, w.logKey, 0, emptyRoot, w.now))(t)
	witness := logKey{name: "witness.example/w1", alg: algCosignature, public: public(seededKey(5)), private: seededKey(5), at: 1}
	n := must(note.Open(good.Note, note.VerifierList(
		logKey{name: w.fed.Origin, alg: algEd25519, public: w.fed.LogKey}, logKey{name: w.fed.Origin, alg: algCosignature, public: w.fed.LogKey})))(t)
	n.Sigs[0], n.Sigs[1] = n.Sigs[1], n.Sigs[0]
	c, err := OpenCheckpoint(w.fed, must(note.Sign(n, witness))(t))
	if err != nil || !bytes.Equal(c.Note, good.Note) {
		t.Fatalf("%s, %v", c.Note, err)
	}
	// The spare bits of a line's last character say nothing.
	spare := bytes.Clone(good.Note)
	for _, end := range []string{"A", "Q", "g", "w"} {
		spare = bytes.Replace(spare, []byte(end+"==\n"), []byte{end[0] + 1, '=', '=', '\n'}, 1)
	}
	c, err = OpenCheckpoint(w.fed, spare)
	if bytes.Equal(spare, good.Note) || err != nil || !bytes.Equal(c.Note, good.Note) {
		t.Fatalf("%s, %v", c.Note, err)
	}
}

func TestFederation(t *testing.T) {
	for name, ok := range map[string]bool{
		"riverside": true, "a": true, "a-b-2": true, strings.Repeat("a", 32): true,
		"": false, "-a": false, "a-": false, "Riverside": false, "a b": false, "a/b": false, "å": false, strings.Repeat("a", 33): false, "a+b": false,
	} {
		t.Run(name, func(t *testing.T) {
			f, err := NewFederation(name, public(seededKey(1)), public(seededKey(2)))
			if (err == nil) != ok {
				t.Error(err)
			}
			if ok && (f.Name() != name || f.Label() != strings.TrimPrefix(f.Origin, "souk/") || len(f.Origin) > maxOrigin) {
				t.Errorf("%q, %q, %q", f.Name(), f.Label(), f.Origin)
			}
			if err != nil {
				wantCode(t, err, exchange.CodeInvalid)
			}
		})
	}
	f := must(NewFederation("riverside", public(seededKey(1)), public(seededKey(2))))(t)
	f.LogKey = public(seededKey(3))
	if f.Check() == nil {
		t.Error("an origin with another log key passes")
	}
}
