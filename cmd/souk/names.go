package main

import (
	"strconv"
	"strings"

	"github.com/souk-market/souk/exchange"
)

// minShort is the shortest end of an ID that stands for all of it: 6 characters of
// base58 or base32 are one of 2^30 at least, so that a federation or a shop's
// recent orders rarely hold two.
const minShort = 6

// known is a shop that a short form may mean.
type known struct {
	shop   exchange.ShopID
	name   string
	active bool // a member now
}

// findShop is the shop that ref means: a ShopID, the end of a ShopID, or a name in any
// case, with hyphens or spaces. Where several shops fit, present members come first.
func findShop(shops []known, ref string) (known, error) {
	if id, err := exchange.ParseShopID(ref); err == nil {
		for _, k := range shops {
			if k.shop == id {
				return k, nil
			}
		}
		return known{}, exchange.Errorf(exchange.CodeNotFound, "%s is not in the member list; see souk members", ref)
	}
	// A name and an ID's end are weighed alike: no shop hides another by its choice of name.
	var fits []known
	for _, k := range shops {
		if strings.EqualFold(hyphens(k.name), hyphens(ref)) || len(ref) >= minShort && strings.HasSuffix(k.shop.String(), ref) {
			fits = append(fits, k)
		}
	}
	if now := active(fits); len(now) > 0 {
		fits = now
	}
	switch len(fits) {
	case 0:
	case 1:
		return fits[0], nil
	default:
		ids := make([]string, len(fits))
		for i, k := range fits {
			ids[i] = k.shop.String()
		}
		return known{}, usagef("%q may be any of %s; give the ShopID", ref, strings.Join(ids, ", "))
	}
	return known{}, exchange.Errorf(exchange.CodeNotFound, "no member is called %q; see souk members. A shop is given by its name, its ShopID, or the last %d or more characters of it", ref, minShort)
}

// hyphens is a name that needs no quotation marks in a shell.
func hyphens(name string) string { return strings.ReplaceAll(name, " ", "-") }

func active(shops []known) []known {
	var out []known
	for _, k := range shops {
		if k.active {
			out = append(out, k)
		}
	}
	return out
}

// splitProduct takes "shop:SKU" apart. A SKU may hold colons, a shop's name too, so
// shop is the longest beginning that is one of shops; ok is false where none is.
func splitProduct(shops []known, ref string) (shop known, sku exchange.SKU, ok bool, err error) {
	for i := len(ref) - 1; i > 0; i-- {
		if ref[i] != ':' {
			continue
		}
		k, ferr := findShop(shops, ref[:i])
		if ferr != nil {
			if exitCode(ferr) == exitUsage { // ambiguous
				return known{}, "", false, ferr
			}
			continue
		}
		if sku, err = exchange.ParseSKU(ref[i+1:]); err != nil {
			return known{}, "", false, &usageError{err}
		}
		return k, sku, true, nil
	}
	return known{}, "", false, nil
}

// partnerProduct is a product of another shop: "shop:SKU".
func partnerProduct(shops []known, ref string) (exchange.ProductID, error) {
	k, sku, ok, err := splitProduct(shops, ref)
	switch {
	case err != nil:
		return exchange.ProductID{}, err
	case ok:
		return exchange.ProductID{Shop: k.shop, SKU: sku}, nil
	}
	if name, _, found := strings.Cut(ref, ":"); found {
		return exchange.ProductID{}, exchange.Errorf(exchange.CodeNotFound, "no member is called %q; see souk members", name)
	}
	return exchange.ProductID{}, usagef("%q names no shop; give a partner's product as SHOP:SKU, as souk products shows it", ref)
}

// ownSKU is a product of the shop itself: a SKU, or its full ProductID.
func ownSKU(self exchange.ShopID, ref string) (exchange.SKU, error) {
	if id, err := exchange.ParseProductID(ref); err == nil {
		if id.Shop != self {
			return "", usagef("%s is another shop's product", ref)
		}
		return id.SKU, nil
	}
	sku, err := exchange.ParseSKU(ref)
	if err != nil {
		return "", &usageError{err}
	}
	return sku, nil
}

// splitQuantity takes "PRODUCT=QTY" apart; without a quantity it is one. A SKU may hold
// an equals sign, so the last one followed by a number counts.
func splitQuantity(arg string) (string, exchange.Quantity, error) {
	i := strings.LastIndexByte(arg, '=')
	if i < 0 {
		return arg, 1, nil
	}
	n, err := strconv.ParseInt(arg[i+1:], 10, 64)
	if err != nil || i == 0 {
		return "", 0, usagef("%q is not PRODUCT=QUANTITY, such as oak:SHOE-42=2", arg)
	}
	q := exchange.Quantity(n)
	if err := q.Check(); err != nil {
		return "", 0, &usageError{err}
	}
	return arg[:i], q, nil
}

// matchID is the id of ids that ends in ref, or is ref. Where no id fits it is ref, for the node
// to answer. Several fitting ids are an error.
func matchID(ids []exchange.OrderID, ref string) (string, error) {
	ref = strings.ToLower(ref)
	if _, err := exchange.ParseHoldID(ref); err == nil {
		return ref, nil
	}
	if len(ref) < minShort {
		return "", usagef("%q is not an order's ID; give all of it, or the last %d or more characters", ref, minShort)
	}
	found := ""
	for _, id := range ids {
		if s := id.String(); strings.HasSuffix(s, ref) && s != found {
			if found != "" {
				return "", usagef("%q may be %s or %s; give more of it", ref, found, s)
			}
			found = s
		}
	}
	if found == "" {
		return "", exchange.Errorf(exchange.CodeNotFound, "no recent order ends in %q; see souk order list", ref)
	}
	return found, nil
}
