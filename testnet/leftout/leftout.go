// Package leftout says which tests a machine cannot do.
//
// `go test` shows nothing of a package that passes, so a test that only skips is left out
// in silence. A test that lacks something calls Test instead, which prints one line that
// begins with "LEFT OUT: ". `go test -v` shows it, and so does .ci/run: it names a file in
// SOUK_LEFT_OUT, to which every such line is added.
//
// Tests that -short leaves out by request do not belong here.
package leftout

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// File names the environment variable that holds the path of a file for the lines.
const File = "SOUK_LEFT_OUT"

// Test ends t as skipped, saying what the test needs and this machine lacks. Where the
// environment variable required, if it is not "", is set to "required", t fails instead:
// whoever sets it knows that the machine has what is needed. The test's goroutine calls it.
func Test(t testing.TB, required, needs string, args ...any) {
	t.Helper()
	// One line, though what a command has said may be several.
	needs = strings.Join(strings.Fields(fmt.Sprintf(needs, args...)), " ")
	line := fmt.Sprintf("LEFT OUT: %s, needs %s", t.Name(), needs)
	if required != "" && os.Getenv(required) == "required" {
		t.Fatalf("%s; %s=required says that it is there", line, required)
	}
	fmt.Println(line) // t.Skip would show it under -v alone, not for a single package
	if err := add(os.Getenv(File), line); err != nil {
		t.Fatalf("%s; this cannot be added to %s: %v", line, File, err)
	}
	t.SkipNow()
}

// add appends the line by one write: packages are tested at the same time.
func add(file, line string) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line + "\n")
	return err
}
