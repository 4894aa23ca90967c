// Package view is what the local API's JSON says: the bodies that package api
// writes and package client reads. Field tags also make the OpenAPI document.
//
// Amounts are [Money], in minor units and as decimal text. Times are RFC 3339
// in UTC with milliseconds; an optional time that has not come is absent. IDs are
// text: a ShopID is a peer ID, a product is "ShopID:SKU", a reservation and the
// order it becomes have the same 26 characters. Texts such as titles come from
// other shops and are plain text: whoever shows them escapes them.
//
// Fields are only ever added. A reader ignores fields that it does not know.
package view
