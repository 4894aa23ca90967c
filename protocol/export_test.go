package protocol

import "github.com/souk-market/souk/exchange/message"

// EncodeUnchecked encodes what Encode may refuse: what a stranger's program may send.
func EncodeUnchecked(v message.Value) ([]byte, error) {
	f, err := formOf(v.Kind())
	if err != nil {
		return nil, err
	}
	return marshal.Marshal(f.toPB(v))
}
