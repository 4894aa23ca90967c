package testnet

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/node/inventory"
)

var (
	pageBlock  = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")
	pageRemark = regexp.MustCompile(` # (shows|refused) (.+)$`)
	idOnPage   = regexp.MustCompile(`\b[0-9a-v]{26}\b`)
)

// TestOwnSalesPage runs every command that docs/own-sales.md shows, one after another, in a shop that runs: a
// remark "# shows TEXT" is what the output has, "# refused TEXT" what a command that fails says.
func TestOwnSalesPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "own-sales.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := aShop(t)
	words := map[string]string{}
	commands := 0
	for _, block := range pageBlock.FindAllStringSubmatch(string(page), -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			commands++
			for word, is := range words {
				line = strings.ReplaceAll(line, word, is)
			}
			out := typed(t, dir, line)
			if id := idOnPage.FindString(out); id != "" && strings.Contains(line, "souk reserve ") {
				words["RESERVATION"], words["SALE"] = id, id
			}
		}
	}
	if commands < 12 {
		t.Errorf("the page has only %d commands", commands)
	}
}

// typed is what a command of the page prints.
func typed(t *testing.T, dir, line string) string {
	t.Helper()
	remark := pageRemark.FindStringSubmatch(line)
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	b, err := cmd.CombinedOutput()
	out := string(b)
	refused := remark != nil && remark[1] == "refused"
	if (err != nil) != refused || remark != nil && !strings.Contains(out, remark[2]) {
		t.Errorf("$ %s\n%s%v", line, out, err)
	}
	return out
}

// aShop starts a shop, and returns a folder that has it as shop and the program as souk.
func aShop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	n := newTestnet(filepath.Join(dir, "net"), souk(t), []shopPlan{{name: "Shop", currency: "EUR", shipping: "5", format: inventory.FormatJSONLines}}, newTeller(os.Stderr, false))
	t.Cleanup(func() {
		for _, p := range n.all() {
			_ = p.kill()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, step := range []error{
		os.MkdirAll(n.dir, 0o700), n.startHub(ctx, "hub up"), n.startShops(ctx, "joined"),
		os.Symlink(n.shops[0].dir, filepath.Join(dir, "shop")), os.Symlink(souk(t), filepath.Join(dir, "souk")),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	return dir
}
