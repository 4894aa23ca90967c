package exchange

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Code says what kind of refusal or fault an [Error] is. Codes stand in signed
// and stored records: the list is append-only, a number is never given a new
// meaning, and an unknown one is shown as it is.
type Code uint32

// RetryBit is part of the number of every code after [CodeLocked] whose [Code.Retry]
// is true, as in 37 | RetryBit; all other numbers are below it. So a version that
// does not know a code reads from its number whether to retry, as HTTP clients go by
// a status code's class (RFC 9110, section 15). The codes up to CodeLocked are older
// than this rule; every version knows them.
const RetryBit = 1 << 16

const (
	CodeOK            Code = 0  // no error
	CodeInternal      Code = 1  // a fault of ours; its log has more
	CodeInvalid       Code = 2  // the request breaks a rule of form; repeating it will not help
	CodeUnavailable   Code = 3  // not reachable, stopping or overloaded; the same request may work later
	CodeNotFound      Code = 4  // no such product, hold, order, partner or shop
	CodeConflict      Code = 5  // the same id came before with other content
	CodeNotMember     Code = 6  // the shop is not, or no longer, in the member list
	CodeNoPartnership Code = 7  // no active partnership covers this
	CodeInsufficient  Code = 8  // not enough stock
	CodePriceChanged  Code = 9  // the total exceeds the caller's max_total
	CodeTooOld        Code = 10 // the hold's window has passed and no record of it is left
	CodeExpired       Code = 11 // the hold, proposal or order ran out
	CodeReleased      Code = 12 // the hold was released, by the retailer or by the partnership's end
	CodeCountry       Code = 13 // the terms or the shipping table do not cover the ship-to country
	CodeOpenQuantity  Code = 14 // held and unshipped units would exceed the terms' open quantity
	CodeLifetime      Code = 15 // the hold would live longer than the terms allow
	CodeStale         Code = 16 // an accept or decline names a proposal that is not the open one
	CodeShipped       Code = 17 // cancelling what has been shipped
	CodeCancelRule    Code = 18 // the terms do not allow this cancel any more
	CodeState         Code = 19 // the order, hold or partnership is not in a state that allows this
	CodeOrdered       Code = 20 // the hold was already committed by another request
	CodeCurrency      Code = 21 // currencies do not match
	CodeNoRate        Code = 22 // no US dollar rate for a currency
	CodeOverflow      Code = 23 // an amount or count leaves 64 bits
	CodeSignature     Code = 24 // a signature, seal or hash does not verify
	CodeFork          Code = 25 // two different entries at one position, or an illegal one: the chain is frozen
	CodeBehind        Code = 26 // the caller must fetch earlier entries first
	CodeRestored      Code = 27 // a partner proved records this shop has lost: it stopped selling
	CodeLimit         Code = 28 // a size, count or rate limit was passed; slow down
	CodeDiskFull      Code = 29 // free space is below the floor; nothing was written
	CodeFreshness     Code = 30 // the member list is too old for this
	CodeFrozen        Code = 31 // the chain or member list is frozen as evidence
	CodeInvite        Code = 32 // an invite is forged, foreign, expired, void or used up
	CodeVersion       Code = 33 // the other side speaks no version of the protocol that we speak
	CodeUnauthorized  Code = 34 // the local API needs its token
	CodeNotRunning    Code = 35 // no node or hub runs on this folder
	CodeLocked        Code = 36 // another process uses this folder
	CodeConfirm       Code = 37 // the owner must say that this is meant
	CodePrecondition  Code = 38 // the request must say of which state it was made
	CodeGone          Code = 39 // an own reservation ran out, and the goods are not there any more
	CodeWithdrawn     Code = 40 // an own product is off sale
)

type codeInfo struct {
	name  string
	retry bool
}

// codeTable has a row for each constant, which a test holds it to.
var codeTable = map[Code]codeInfo{
	CodeOK:            {"ok", false},
	CodeInternal:      {"internal", true},
	CodeInvalid:       {"invalid", false},
	CodeUnavailable:   {"unavailable", true},
	CodeNotFound:      {"not-found", false},
	CodeConflict:      {"conflict", false},
	CodeNotMember:     {"not-a-member", false},
	CodeNoPartnership: {"no-partnership", false},
	CodeInsufficient:  {"insufficient-stock", false},
	CodePriceChanged:  {"price-changed", false},
	CodeTooOld:        {"too-old", false},
	CodeExpired:       {"expired", false},
	CodeReleased:      {"released", false},
	CodeCountry:       {"country-not-served", false},
	CodeOpenQuantity:  {"open-quantity-exceeded", false},
	CodeLifetime:      {"lifetime-exceeded", false},
	CodeStale:         {"stale", false},
	CodeShipped:       {"already-shipped", false},
	CodeCancelRule:    {"cancel-not-allowed", false},
	CodeState:         {"wrong-state", false},
	CodeOrdered:       {"already-ordered", false},
	CodeCurrency:      {"currency-mismatch", false},
	CodeNoRate:        {"no-rate", false},
	CodeOverflow:      {"overflow", false},
	CodeSignature:     {"bad-signature", false},
	CodeFork:          {"fork", false},
	CodeBehind:        {"behind", true},
	CodeRestored:      {"restored-from-backup", false},
	CodeLimit:         {"limit", true},
	CodeDiskFull:      {"disk-full", true},
	CodeFreshness:     {"member-list-too-old", true},
	CodeFrozen:        {"frozen", false},
	CodeInvite:        {"bad-invite", false},
	CodeVersion:       {"version", false},
	CodeUnauthorized:  {"unauthorized", false},
	CodeNotRunning:    {"not-running", true},
	CodeLocked:        {"locked", false},
	CodeConfirm:       {"confirmation-needed", false},
	CodePrecondition:  {"precondition-required", false},
	CodeGone:          {"gone", false},
	CodeWithdrawn:     {"withdrawn", false},
}

// unknownCode and a number are the name of a code without a row in codeTable.
const unknownCode = "code-"

// String is the code's stable name, as in problem+json.
func (c Code) String() string {
	if info, known := codeTable[c]; known {
		return info.name
	}
	return unknownCode + strconv.FormatUint(uint64(c), 10)
}

// Retry reports whether the same request may work later. A code of a newer version
// tells by [RetryBit].
func (c Code) Retry() bool {
	if info, known := codeTable[c]; known {
		return info.retry
	}
	return c&RetryBit != 0
}

// ParseCode reads what [Code.String] returns; any other name is CodeInternal.
func ParseCode(name string) Code {
	for c, info := range codeTable {
		if info.name == name {
			return c
		}
	}
	if digits, ok := strings.CutPrefix(name, unknownCode); ok {
		if n, err := strconv.ParseUint(digits, 10, 32); err == nil && Code(n).String() == name {
			return Code(n)
		}
	}
	return CodeInternal
}

// Error is a refusal or fault with a kind that survives the wire. Two Errors
// match under errors.Is when their codes are equal.
type Error struct {
	Code    Code
	Message string // for a person: the cause and, where there is one, the next step
	// Short names every line of a refused hold for which there was not enough stock; see
	// [ShortLines]. It goes in the sealed answer.
	Short []Short
	cause error // stays in this process
}

// Errorf makes an Error. What %w names, once or several times, stays reachable
// by errors.Is and errors.As in this process; across the wire only code and
// message go. The code given here is the one that [CodeOf] returns, whatever
// the cause's is.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	cause := errors.Unwrap(err)
	if _, several := err.(interface{ Unwrap() []error }); several {
		cause = err
	}
	return &Error{Code: code, Message: err.Error(), cause: cause}
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.String()
	}
	return e.Message
}

// Unwrap returns the local cause, if any.
func (e *Error) Unwrap() error { return e.cause }

// Is matches any Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns err's code: CodeOK for nil, CodeInternal for an error that has none.
func CodeOf(err error) Code {
	if err == nil {
		return CodeOK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
