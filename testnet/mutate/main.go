package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	sample := flag.Int("sample", 0, "try this many mutants of the quick targets; 0 is all")
	seed := flag.Uint64("seed", rand.Uint64(), "chooses the sample and the order")
	within := flag.Duration("within", 0, "start no mutant after this time; 0 is no limit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Args(), *sample, *seed, *within); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dirs []string, sample int, seed uint64, within time.Duration) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	accepted, err := parseAccepted(acceptedText)
	if err != nil {
		return fmt.Errorf("accepted.txt: %w", err)
	}
	chosen, err := choose(dirs, sample > 0)
	if err != nil {
		return err
	}
	r := &runner{root: root, accepted: accepted, sources: map[string][]byte{}, limits: map[*target]time.Duration{}, count: map[outcome]int{}}
	if within > 0 {
		r.until = time.Now().Add(within)
	}
	if err := r.find(chosen); err != nil {
		return err
	}
	if gone := r.gone(chosen); len(gone) > 0 {
		return fmt.Errorf("accepted.txt names what is no mutant any more:\n%s", strings.Join(gone, "\n"))
	}
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(r.mutants), func(i, j int) { r.mutants[i], r.mutants[j] = r.mutants[j], r.mutants[i] })
	found := len(r.mutants)
	if sample > 0 {
		r.mutants = r.mutants[:min(sample, found)]
	}
	fmt.Printf("seed %d: %d of %d mutants\n", seed, len(r.mutants), found)
	for _, t := range chosen {
		took, err := baseline(ctx, root, t)
		if err != nil {
			return err
		}
		r.limits[t] = 10*time.Second + 3*took
	}
	if err := r.tryAll(ctx); err != nil {
		return err
	}
	return r.report()
}

// choose returns the targets with these folders, or all; with quick those of a sample.
func choose(dirs []string, quick bool) ([]*target, error) {
	var chosen []*target
	for i := range targets {
		t := &targets[i]
		if len(dirs) > 0 && slices.Contains(dirs, t.dir) || len(dirs) == 0 && (t.quick || !quick) {
			chosen = append(chosen, t)
		}
	}
	if len(dirs) > len(chosen) {
		return nil, fmt.Errorf("a folder is no target: %s", strings.Join(dirs, ", "))
	}
	return chosen, nil
}

// runner tries mutants. Its mutex guards what the workers share.
type runner struct {
	root     string
	accepted map[string]string
	until    time.Time // no mutant starts after it; zero is never
	sources  map[string][]byte
	limits   map[*target]time.Duration
	mutants  []*mutant

	mu     sync.Mutex
	count  map[outcome]int
	tried  int
	passed []*mutant // that survived and are not accepted
	failed error
}

// find reads the files of the targets and lists their mutants.
func (r *runner) find(chosen []*target) error {
	for _, t := range chosen {
		files := t.files
		if files == nil {
			all, err := filepath.Glob(filepath.Join(r.root, t.dir, "*.go"))
			if err != nil {
				return err
			}
			for _, f := range all {
				if !strings.HasSuffix(f, "_test.go") {
					files = append(files, filepath.Base(f))
				}
			}
		}
		for _, f := range files {
			name := filepath.ToSlash(filepath.Join(t.dir, f))
			source, err := os.ReadFile(filepath.Join(r.root, name))
			if err != nil {
				return err
			}
			found, err := find(t, name, source)
			if err != nil {
				return err
			}
			r.sources[name] = source
			r.mutants = append(r.mutants, found...)
		}
	}
	return nil
}

// gone lists the accepted mutants of the targets that are not there.
func (r *runner) gone(chosen []*target) []string {
	there := map[string]bool{}
	for _, m := range r.mutants {
		there[m.name] = true
	}
	var gone []string
	for name := range r.accepted {
		file, _, _ := strings.Cut(name, " ")
		looked := slices.ContainsFunc(chosen, func(t *target) bool { return t.dir == filepath.ToSlash(filepath.Dir(file)) })
		if looked && !there[name] {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	return gone
}

// tryAll tries the mutants, as many at a time as there are cores.
func (r *runner) tryAll(ctx context.Context) error {
	queue := make(chan *mutant)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for m := range queue {
				r.one(ctx, m)
			}
		})
	}
	for _, m := range r.mutants {
		if ctx.Err() != nil || !r.until.IsZero() && time.Now().After(r.until) {
			break
		}
		queue <- m
	}
	close(queue)
	workers.Wait()
	return errors.Join(ctx.Err(), r.failed)
}

func (r *runner) one(ctx context.Context, m *mutant) {
	o, err := try(ctx, r.root, m, r.sources[m.file], r.limits[m.target])
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed = err
		return
	}
	r.tried++
	r.count[o]++
	if o != survived {
		return
	}
	if r.accepted[m.name] != "" {
		return
	}
	r.passed = append(r.passed, m)
	fmt.Printf("survived, line %d: %s\n", m.line, m.name)
}

func (r *runner) report() error {
	fmt.Printf("tried %d of %d mutants: %d killed, %d killed by the time limit, %d do not compile, %d survived, of which %d are accepted\n",
		r.tried, len(r.mutants), r.count[killed], r.count[timedOut], r.count[invalid], r.count[survived], r.count[survived]-len(r.passed))
	if len(r.passed) > 0 {
		return fmt.Errorf("%d mutants survived: write the test that kills them, or list them in accepted.txt with the reason", len(r.passed))
	}
	return nil
}
