package leftout

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestLeftOut: a test that lacks something skips and is named in the file; where what it
// lacks is required, it fails and is not.
func TestLeftOut(t *testing.T) {
	const variable = "SOUK_TEST_NEED"
	for name, c := range map[string]struct {
		required, value string
		fails           bool
	}{
		"nothing can require it": {"", "", false},
		"not required":           {variable, "", false},
		"required":               {variable, "required", true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "left out")
			t.Setenv(File, file)
			t.Setenv(variable, c.value)
			lacking := &ended{TB: t}
			done := make(chan struct{})
			go func() { // a test that ends ends its goroutine
				defer close(done)
				Test(lacking, c.required, "a %s", "full\nmoon")
			}()
			<-done
			b, err := os.ReadFile(file)
			switch line := "LEFT OUT: " + t.Name() + ", needs a full moon"; {
			case c.fails:
				if !strings.HasPrefix(lacking.failed, line) || lacking.skipped || !os.IsNotExist(err) {
					t.Errorf("skipped: %v; failed with %q; the file: %q, %v", lacking.skipped, lacking.failed, b, err)
				}
			case !lacking.skipped || lacking.failed != "" || string(b) != line+"\n":
				t.Errorf("skipped: %v; failed with %q; the file: %q, %v", lacking.skipped, lacking.failed, b, err)
			}
		})
	}
}

// ended is a test that notes how it ended.
type ended struct {
	testing.TB
	failed  string
	skipped bool
}

func (e *ended) Fatalf(format string, args ...any) {
	e.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (e *ended) SkipNow() {
	e.skipped = true
	runtime.Goexit()
}
