package kv

import "iter"

// Row is one key and its value, valid only within the loop's step.
type Row struct{ Key, Value []byte }

// Rows visits the rows of a range in order, over one consistent snapshot. An error of the
// store ends the loop, as its last step.
func Rows(s Store, r Range) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		more := true
		err := s.Scan(r, func(key, value []byte) bool {
			more = yield(Row{key, value}, nil)
			return more
		})
		if err != nil && more {
			yield(Row{}, err)
		}
	}
}
