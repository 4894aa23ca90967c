package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

const (
	// waitForAnswer is how long a placed order waits for the supplier's answer: a
	// supplier that is there answers in a fraction of a second.
	waitForAnswer = 10 * time.Second
	// maxShipTo bounds a ship-to file: see exchange.ShipTo, with room for JSON.
	maxShipTo = 64 << 10
)

// addressFlags are those that --ship-to takes the place of.
var addressFlags = []string{"name", "address", "city", "region", "postal-code", "country", "email", "phone"}

func (a orderCommands) placeCommand() *cobra.Command {
	var to view.ShipTo
	var file, reference, note string
	wait := waitForAnswer
	cmd := &cobra.Command{
		Use:   "place RESERVATION",
		Short: "Order what is held, with the consumer's address",
		Long: `Commits a reservation whole. The signed order is durable here and on its way when the
command returns, whatever fails meanwhile; it waits for the supplier's answer and
shows it. Address, reference and note go to the supplier alone, and are shown in your
own order too. Placing the same reservation again with the same address, reference and
note shows the order it became; another address is refused.

The address comes from flags, or from a JSON file (--ship-to FILE, - for standard
input): {"name": …, "lines": […], "city": …, "postal_code": …, "country": …}.`,
		Example: `  souk order place --dir shop 00052ap5m48vv6u926huggirh0 --name Ada --address "Storgatan 1" --city Lund
  souk order place --dir shop 00052ap5m48vv6u926huggirh0 --ship-to customer.json
  souk order place --dir shop 00052ap5m48vv6u926huggirh0 --ship-to a.json --reference "#1001"`,
		Args: takes(1, 1),
		RunE: a.withClient(func(cmd *cobra.Command, c *client.Client, args []string) error {
			id, err := reservationID(args[0])
			if err != nil {
				return err
			}
			if file != "" {
				for _, flag := range addressFlags {
					if cmd.Flags().Changed(flag) {
						return usagef("--ship-to and --%s both say where it goes; give one of them", flag)
					}
				}
				if to, err = a.readShipTo(file); err != nil {
					return err
				}
			}
			if file == "" {
				if err := addressGiven(to); err != nil {
					return err
				}
			}
			if to.Country != "" {
				if to.Country, err = view.ParseCountry(to.Country); err != nil {
					return &usageError{err}
				}
			}
			began := a.now()
			if err := exchange.CheckReference(reference); err != nil {
				return &usageError{fmt.Errorf("--reference: %w", err)}
			}
			o, err := c.PlaceOrder(cmd.Context(), view.PlaceOrder{Reservation: id, ShipTo: to, Reference: reference, Note: note}, wait)
			if err != nil {
				return err
			}
			o.Reference, o.Note = reference, note // the answer leaves out what must be erasable
			if !o.Requested.IsZero() && began.Sub(o.Requested) > time.Second {
				fmt.Fprintf(cmd.ErrOrStderr(), "This reservation was ordered before, at %s, for the same address.\n", timeText(o.Requested))
			}
			return a.show(cmd, o, func(p *page) { a.orderPage(p, o) })
		}),
	}
	f := cmd.Flags()
	f.Var(textFlag{&to.Name}, "name", "the consumer's `name`")
	f.StringArrayVar(&to.Lines, "address", nil, "street `address`; repeat for up to 4 lines")
	f.Var(textFlag{&to.City}, "city", "the `city`")
	f.Var(textFlag{&to.Region}, "region", "state or `region`")
	f.Var(textFlag{&to.PostalCode}, "postal-code", "postal `code`")
	f.StringVar(&to.Country, "country", "", "ISO 3166-1 `code` (default: the one quoted for)")
	f.Var(textFlag{&to.Email}, "email", "the consumer's `e-mail` address")
	f.Var(textFlag{&to.Phone}, "phone", "the consumer's `telephone` number")
	f.StringVar(&file, "ship-to", "", "read the address from a JSON `file` instead")
	f.Var(textFlag{&reference}, "reference", "your own `name` of the order, such as your shop's order number; at most 64 bytes")
	f.Var(noteFlag{&note}, "note", "a `text` for the people who pack, of one line or several; at most 1000 bytes")
	f.Var(durationVar(&wait, waitForAnswer), "wait", "`time` to wait for the supplier's answer, at most 30s")
	return cmd
}

// noteFlag reads an order's note. What it may hold beside its length is for the node to say.
type noteFlag struct{ to *string }

func (f noteFlag) Type() string   { return "text" }
func (f noteFlag) String() string { return "" }

func (f noteFlag) Set(s string) error {
	s = strings.ReplaceAll(s, "\r\n", "\n") // as editors on Windows end lines
	if len(s) > exchange.MaxNote {
		return fmt.Errorf("it has %d bytes; %d are allowed", len(s), exchange.MaxNote)
	}
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8")
	}
	*f.to = s
	return nil
}

// addressGiven reports what no parcel can do without.
func addressGiven(to view.ShipTo) error {
	var missing []string
	for flag, given := range map[string]bool{"--name": to.Name != "", "--address": len(to.Lines) > 0 && to.Lines[0] != "", "--city": to.City != ""} {
		if !given {
			missing = append(missing, flag)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return usagef("the consumer's address lacks %s (or give --ship-to FILE)", strings.Join(missing, ", "))
}

// readShipTo reads an address in the API's form.
func (a orderCommands) readShipTo(path string) (view.ShipTo, error) {
	var to view.ShipTo
	r, _, err := a.openFile(path)
	if err != nil {
		return to, err
	}
	defer r.Close()
	dec := json.NewDecoder(io.LimitReader(r, maxShipTo))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&to); err != nil {
		return to, exchange.Errorf(exchange.CodeInvalid, "%s is not an address in JSON; see souk order place --help: %w", path, err)
	}
	return to, nil
}
