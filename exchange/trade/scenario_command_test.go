package trade_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
)

// The words of a script's commands.

// command is one line of a script.
type command struct {
	text string
	head string // a shop's name, or what the world does
	args []datadriven.CmdArg
}

// titled is an answer with the command before it, where one could not tell which it answers
// or whose view it is.
func (c command) titled(answer string, amongOthers bool) string {
	verb := ""
	if len(c.args) > 0 {
		verb = c.args[0].Key
	}
	refused := strings.HasPrefix(answer, "refused") || strings.HasPrefix(answer, "nothing")
	switch {
	case views[verb]:
		return c.text + ":\n  " + strings.ReplaceAll(answer, "\n", "\n  ")
	case amongOthers && (refused || verb == "forge"):
		return c.text + ": " + answer
	}
	return answer
}

// views are the verbs that tell what a shop has.
var views = map[string]bool{"stock": true, "holds": true, "reservations": true, "orders": true, "events": true}

// nonsense is what a command panics with that a script cannot mean.
type nonsense string

// fateOf is what becomes of a message that is sent with lose=.
func fateOf(lose string) desktest.Fate {
	switch lose {
	case "":
		return desktest.Arrives
	case "request":
		return desktest.Lost
	case "reply":
		return desktest.ReplyLost
	case "late":
		return desktest.ArrivesLate
	}
	panic(nonsense("lose=request, lose=reply or lose=late"))
}

// word is the i-th argument, which has no value.
func (c command) word(i int) string {
	if i >= len(c.args) || len(c.args[i].Vals) > 0 {
		panic(nonsense(fmt.Sprintf("a word is missing at place %d", i+1)))
	}
	return c.args[i].Key
}

// option is what stands behind name= in a command.
func (c command) option(name string) (value string, ok bool) {
	for _, a := range c.args {
		if a.Key == name && len(a.Vals) > 0 {
			return strings.Join(a.Vals, ", "), true
		}
	}
	return "", false
}

// number is an option that is one; 0 where it is not given.
func (c command) number(name string) int64 {
	value, ok := c.option(name)
	if !ok {
		return 0
	}
	return number(value)
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(nonsense(err.Error()))
	}
	return n
}

func span(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(nonsense(err.Error()))
	}
	return d
}

// options are the names that are no product's.
var options = map[string]bool{
	"lose": true, "life": true, "max": true, "country": true, "city": true, "reason": true, "tracking": true,
	"discount": true, "hold": true, "accept-within": true, "open": true, "cancel": true, "currency": true,
	"number": true, "times": true, "position": true, "quote": true,
}

// lines are the arguments that name units of products.
func (c command) lines() (list []exchange.Line) {
	for _, a := range c.args {
		if len(a.Vals) == 1 && !options[a.Key] {
			list = append(list, exchange.Line{SKU: exchange.SKU(a.Key), Quantity: exchange.Quantity(number(a.Vals[0]))})
		}
	}
	return list
}
