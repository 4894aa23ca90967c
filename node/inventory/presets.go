package inventory

import (
	"errors"
	"strings"
)

// preset is the product export of a system whose columns we know.
type preset struct {
	name    string
	marks   []string                 // it has all of these columns
	columns map[string][]string      // field → the names of its column, best first
	skip    func(*csvRow) SkipReason // why a row is no product; nil: each is
	refuse  func(*csvRow) *RowError  // why a row cannot be read; nil: each can
}

// prestaShopList are the columns of PrestaShop's list of products.
var prestaShopList = map[string][]string{
	"sku": {"Reference"}, "title": {"Name"}, "price": {"Price (tax incl.)", "Price tax included", "Final price", "Price (tax excl.)", "Base price", "Price"},
	"stock": {"Quantity"}, "category": {"Category"}, "image": {"Image"}, "published": {"Status", "Active"},
}

// presets are tried in this order.
var presets = []*preset{
	{
		name:    "PrestaShop",
		marks:   []string{"Product ID", "Reference"},
		columns: prestaShopList,
	},
	{ // what the list of products in the back office exports
		name:    "PrestaShop",
		marks:   []string{"Reference", "Quantity", "Price (tax excl.)"},
		columns: prestaShopList,
	},
	{
		name:    "PrestaShop",
		marks:   []string{"Reference", "Quantity", "Price (tax incl.)"},
		columns: prestaShopList,
	},
	{ // the columns of its import, which its sample files and many plug-ins write
		name:  "PrestaShop",
		marks: []string{"Active (0/1)", "Name"},
		columns: map[string][]string{
			"sku": {"Reference #", "Reference"}, "title": {"Name"}, "price": {"Price tax included", "Price tax excluded"}, "stock": {"Quantity"},
			"category": {"Categories (x,y,z...)"}, "vendor": {"Manufacturer", "Brand"}, "barcode": {"EAN13", "EAN-13", "UPC"}, "weight_kg": {"Weight"},
			"description": {"Description", "Short description", "Summary"}, "image": {"Image URLs (x,y,z...)"}, "published": {"Active (0/1)"},
		},
	},
	{
		name:  "WebToffee", // a plug-in for WooCommerce
		marks: []string{"post_title", "post_status", "regular_price"},
		columns: map[string][]string{
			"sku": {"sku"}, "title": {"post_title"}, "price": {"regular_price"}, "stock": {"stock"}, "description": {"post_content", "post_excerpt"},
			"category": {"tax:product_cat"}, "image": {"images"}, "published": {"post_status"}, "vendor": {"tax:product_brand"}, "group": {"parent_sku"},
		},
		skip: func(row *csvRow) SkipReason {
			switch strings.ToLower(row.named("tax:product_type")) {
			case "variable":
				return SkipVariable
			case "grouped":
				return SkipGrouped
			case "external":
				return SkipExternal
			}
			return ""
		},
	},
	{
		name:  "Magento",
		marks: []string{"sku", "attribute_set_code", "product_type"},
		columns: map[string][]string{
			"sku": {"sku"}, "title": {"name"}, "price": {"price"}, "stock": {"qty"}, "description": {"description", "short_description"},
			"category": {"categories"}, "image": {"base_image", "image"}, "published": {"product_online", "status"}, "vendor": {"manufacturer", "brand"},
			"barcode": {"ean", "gtin", "barcode"}, "weight": {},
		},
		skip: skipMagento,
	},
	{
		name:  "BigCommerce",
		marks: []string{"Item Type", "Product Name", "Product Code/SKU"},
		columns: map[string][]string{
			"sku": {"Product Code/SKU"}, "title": {"Product Name"}, "price": {"Price"}, "stock": {"Current Stock Level", "Stock Level"},
			"description": {"Product Description", "Description"}, "vendor": {"Brand Name", "Brand"}, "barcode": {"Product UPC/EAN"}, "category": {"Category String", "Category"},
			"image": {"Product Image URL - 1", "Product Image File - 1"}, "published": {"Product Visible?"}, "weight": {},
		},
		skip: skipBigCommerce("Item Type"),
	},
	{
		name:  "BigCommerce",
		marks: []string{"Item", "Inventory Tracking", "Current Stock", "Is Visible"},
		columns: map[string][]string{
			"sku": {"SKU"}, "title": {"Name"}, "price": {"Price"}, "stock": {"Current Stock"}, "description": {"Description"}, "category": {"Categories"},
			"barcode": {"GTIN", "UPC/EAN"}, "published": {"Is Visible"}, "image": {"Product Image URL", "Image URL (Import)"},
		},
		skip: skipBigCommerce("Item"),
	},
	{
		name:  "Etsy",
		marks: []string{"TITLE", "PRICE", "CURRENCY_CODE", "QUANTITY"},
		columns: map[string][]string{
			"sku": {"SKU"}, "title": {"TITLE"}, "price": {"PRICE"}, "currency": {"CURRENCY_CODE"}, "stock": {"QUANTITY"}, "description": {"DESCRIPTION"}, "image": {"IMAGE1"},
		},
		refuse: refuseEtsy,
	},
	{
		name:  "Google feed",
		marks: []string{"id", "title", "price", "availability"},
		columns: map[string][]string{
			"sku": {"id"}, "title": {"title"}, "price": {"price"}, "stock": {"quantity", "inventory", "sell on google quantity"}, "availability": {"availability"},
			"description": {"description"}, "vendor": {"brand"}, "barcode": {"gtin"}, "category": {"product_type", "product type", "google_product_category", "google product category"},
			"image": {"image_link", "image link"}, "group": {"item_group_id", "item group id"}, "weight": {"shipping_weight", "shipping weight"},
			"option:Color": {"color"}, "option:Size": {"size"}, "option:Material": {"material"},
		},
	},
}

// skipMagento leaves out what is no product of its own, and the further rows that
// hold a product's texts for other views of the shop.
func skipMagento(row *csvRow) SkipReason {
	if row.named("store_view_code") != "" {
		return SkipEmptyRow
	}
	switch strings.ToLower(row.named("product_type")) {
	case "configurable":
		return SkipVariable
	case "grouped", "bundle":
		return SkipGrouped
	}
	return ""
}

// skipBigCommerce leaves out the rows that are no products.
func skipBigCommerce(column string) func(*csvRow) SkipReason {
	return func(row *csvRow) SkipReason {
		switch kind := strings.ToLower(row.named(column)); kind {
		case "", "product", "sku", "variant":
			return ""
		case "image", "video":
			return SkipImageRow
		}
		return SkipUnsupported
	}
}

// named is the field of the column of that name.
func (r *csvRow) named(name string) string { return r.get(r.head.col(name)) }

// refuseEtsy refuses a listing with several variations: Etsy exports one price and one
// count for all of them.
func refuseEtsy(row *csvRow) *RowError {
	for _, name := range []string{"VARIATION 1 VALUES", "VARIATION 2 VALUES"} {
		if c := row.head.col(name); strings.Contains(row.get(c), ",") {
			return row.bad(c, errors.New("the listing has variations, and Etsy's export tells neither the price nor the count of each; write a row for each variation, with its own SKU"))
		}
	}
	return nil
}

// obvious are names of columns that mean one thing in any file, best first.
var obvious = map[string][]string{
	"sku": {"sku", "product_sku", "product sku", "variant sku", "item sku", "seller_sku", "article number", "article no", "article", "item number", "item no", "item_number", "item code", "item_code",
		"product code", "product_code", "productcode", "part number", "part_number", "style number", "reference", "ref", "code", "artikelnummer", "artikelnr", "art.-nr.", "artikel-nr.", "référence",
		"referencia", "codice", "artikelnr.", "id", "product_id", "product id", "artnr", "art-nr", "art.nr.", "artikel", "código", "codigo", "cod", "codice articolo", "šifra", "артикул", "numer katalogowy", "品番"},
	"title": {"title", "name", "product name", "product_name", "productname", "product title", "product_title", "item name", "item_name", "product", "titel", "produktname", "bezeichnung", "artikelbezeichnung",
		"nom", "nom du produit", "nombre", "nome", "naam", "nazwa", "namn", "titolo", "titre", "título", "artikelname", "producto", "produit", "prodotto", "produto", "наименование", "название", "商品名"},
	"price": {"price", "retail price", "retail_price", "list price", "list_price", "sales price", "selling price", "unit price", "unit_price", "regular price", "regular_price", "price incl. tax", "price (tax incl.)",
		"price (incl. vat)", "preis", "verkaufspreis", "vk", "bruttopreis", "preis brutto", "prix", "precio", "prezzo", "preço", "prijs", "cena", "pris", "brutto-vk", "vk brutto", "verkaufspreis brutto", "prix ttc", "pvp", "precio de venta", "цена", "価格", "price (tax excl.)"},
	"currency": {"currency", "currency code", "currency_code", "währung", "devise", "moneda", "valuta"},
	"stock": {"stock", "stock quantity", "stock_quantity", "quantity", "qty", "stock level", "stock_level", "current stock", "on hand", "available", "inventory", "inventory quantity", "inventory_quantity",
		"in stock quantity", "bestand", "lagerbestand", "quantité", "cantidad", "quantità", "quantidade", "estoque", "existencias", "voorraad", "ilość", "stan", "lager", "cantidad disponible", "остаток", "количество", "在庫"},
	"barcode":     {"barcode", "gtin", "ean", "ean13", "ean-13", "upc", "isbn", "ean code", "strichcode", "gtin, upc, ean, or isbn"},
	"description": {"description", "product description", "product_description", "long description", "beschreibung", "descripción", "descrizione", "descrição", "omschrijving", "opis", "beskrivning"},
	"vendor":      {"vendor", "brand", "brands", "manufacturer", "brand name", "hersteller", "marke", "marque", "marca", "merk", "marka", "märke"},
	"category":    {"category", "categories", "product category", "product_category", "product type", "kategorie", "catégorie", "categoría", "categoria", "categorie", "kategoria", "kategori"},
	"image":       {"image", "image url", "image_url", "image link", "image_link", "image src", "image 1", "image1", "picture", "photo", "images", "bild", "bilder", "imagen", "immagine", "afbeelding"},
	"group":       {"group", "group_id", "parent_sku", "parent sku", "item_group_id", "item group id"},
	"grams":       {"grams", "weight_g", "weight (g)", "weight in grams", "gewicht (g)"},
	"weight_kg":   {"weight_kg", "weight (kg)", "weight in kg", "gewicht (kg)"},
	"weight_lb":   {"weight_lb", "weight (lb)", "weight (lbs)"},
	"weight_oz":   {"weight_oz", "weight (oz)"},
	"published":   {"published", "active", "enabled", "visible"},
	"option:Size": {"size", "größe"}, "option:Color": {"color", "colour", "farbe"},
}

// plainNames is the preset of files whose columns have obvious names.
var plainNames = &preset{columns: obvious}

// sales are words in the names of columns that a list of products has not, but an export
// of orders or a sales report, which have SKUs, prices and quantities too. It would make
// stock of what was sold.
var sales = []string{"customer", "invoice", "email", "lineitem", "orderid", "ordernumber", "orderdate", "billing", "revenue", "quantitysold", "unitssold", "kunde", "rechnung", "umsatz"}

// isSales reports a header with such a word.
func (h *header) isSales() bool {
	for name := range h.index {
		for _, word := range sales {
			if strings.Contains(name, word) {
				return true
			}
		}
	}
	return false
}

// recognise takes the columns of a file by their names: those of a system we know, else
// what is obvious. It is nil if no product and no stock can be told by them.
func recognise(h *header) (Columns, *preset) {
	for _, p := range append(presets[:len(presets):len(presets)], plainNames) {
		all := true
		for _, mark := range p.marks {
			all = all && h.has(mark)
		}
		if !all || p == plainNames && h.isSales() {
			continue
		}
		if c := p.take(h); c["sku"] != "" && (c["title"] != "" && c["price"] != "" || c["stock"] != "") {
			return c, p
		}
	}
	return nil, nil
}

// suggestColumns are the columns whose meaning is obvious.
func suggestColumns(h *header) Columns { return plainNames.take(h) }

func (p *preset) take(h *header) Columns {
	c := make(Columns)
	for field, names := range p.columns {
		if at := h.col(names...); at != noColumn {
			c[field] = h.names[at]
		}
	}
	return c
}

// columnOf is the column of a field.
func (h *header) columnOf(c Columns, field string) column {
	if c[field] == "" {
		return noColumn
	}
	return h.col(c[field])
}
