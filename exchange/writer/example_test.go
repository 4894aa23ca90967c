package writer_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/store"
)

// machineClock is the clock of the machine.
type machineClock struct{}

func (machineClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// noSigner is for operations that seal nothing; package protocol's signs for a shop.
type noSigner struct{}

func (noSigner) Seal([][]byte) ([][]byte, error) { return nil, errors.New("nothing is sealed here") }

// counted is an effect: a counter is durably at a count.
type counted struct {
	name string
	at   int
}

// Counters that many callers change. Each call is answered, and its effect done, once the
// batch that it is in is durable; a call that fails leaves no trace.
func ExampleWriter() {
	disk := store.Memory() // store.Open in a shop
	w := writer.New(writer.Config{
		Store: disk, Signer: noSigner{}, Clock: machineClock{}, Limits: kv.DefaultLimits,
		Stamp: func(b *writer.Batch) error {
			b.Put([]byte("written"), strconv.AppendInt(nil, int64(b.Now()), 10))
			return nil
		},
		Apply: func(_ exchange.Time, e writer.Effect) {
			if c, ok := e.(counted); ok {
				fmt.Printf("%s is at %d\n", c.name, c.at)
			}
		},
	})
	counters := writer.NewTable(w, writer.Rows[string, int]{
		Key:    func(name string) []byte { return []byte("counter/" + name) },
		Decode: func(raw []byte) (int, error) { return strconv.Atoi(string(raw)) },
		Encode: func(n int) ([]byte, error) { return strconv.AppendInt(nil, int64(n), 10), nil },
		Size:   func(name string, _ int) int { return len("counter/") + len(name) + 20 },
	})

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()

	add := func(name string, n int) error {
		return w.Do(ctx, func(b *writer.Batch) error {
			have, _, err := counters.Get(b, name)
			if err != nil {
				return err
			}
			counters.Set(b, name, have+n)
			b.Then(counted{name, have + n})
			if have+n < 0 {
				return errors.New("a counter is not negative")
			}
			return nil
		})
	}
	for _, n := range []int{3, 4, -10} {
		if err := add("visitors", n); err != nil {
			fmt.Println("refused:", err)
		}
	}

	stop()
	if err := <-ended; err != nil { // the process must end: a commit's outcome is unknown
		fmt.Println(err)
	}
	stored, _, err := disk.Get([]byte("counter/visitors"))
	fmt.Printf("stored: %s %v\n", stored, err)
	// Output:
	// visitors is at 3
	// visitors is at 7
	// refused: a counter is not negative
	// stored: 7 <nil>
}
