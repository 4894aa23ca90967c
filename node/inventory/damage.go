package inventory

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// What spreadsheets do to codes. They take a barcode for a number, show it rounded,
// and write what they show: "8.71234E+12". They take a size or a code for a date:
// "2-3" becomes "02-Mar". Where a formula fails they write an error in its place: "#REF!".
// What was there is lost.

var (
	roundedCode = regexp.MustCompile(`^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}$`)
	// English, German, French, Spanish, Dutch and Italian as Excel abbreviates months.
	months    = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Jän|Mär|Mrz|Mai|Okt|Dez|janv|févr|mars|avr|juin|juil|août|sept|déc|ene|abr|ago|dic|mrt|mei|gen|mag|giu|lug|set|ott)`
	datedCode = regexp.MustCompile(`^(?:[0-3]?[0-9][-. ]{1,2}` + months + `\.?(?:[-. ][0-9]{2,4})?|` + months + `\.?[-. ]{1,2}[0-9]{2})$`)
)

// failures are what spreadsheets write where a formula fails, in the languages of the months
// above; beside them stands LibreOffice's "Err:502".
var (
	failures = []string{"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#ERROR!", "#GETTING_DATA",
		"#BEZUG!", "#NV", "#WERT!", "#ZAHL!", "#ÜBERLAUF!", // German
		"#VALEUR!", "#NOM?", "#NOMBRE!", "#NUL!", "#PROPAGATION!", // French
		"#¡REF!", "#N/D", "#¡VALOR!", "#¿NOMBRE?", "#¡DIV/0!", "#¡NUM!", "#¡NULO!", // Spanish
		"#VERW!", "#N/B", "#WAARDE!", "#NAAM?", "#DEEL/0!", "#GETAL!", "#LEEG!", // Dutch
		"#RIF!", "#N/D!", "#VALORE!", "#NOME?", "#NULLO!"} // Italian
	failedCell = regexp.MustCompile(`^Err:5[0-9]{2}$`)
)

// failed reports what a spreadsheet has written in place of a value that it could not find.
func failed(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) < 3 || len(s) > maxNumber || s[0] != '#' && s[0] != 'E' {
		return false
	}
	return failedCell.MatchString(s) || slices.ContainsFunc(failures, func(f string) bool { return strings.EqualFold(f, s) })
}

// failedText says so in an error.
const failedText = "what a spreadsheet writes where a formula fails: the value is lost; export the file again and import it without opening it in a spreadsheet"

// damaged says what a spreadsheet has made of a code; "" if nothing.
func damaged(s string) string {
	if len(s) > 4 && len(s) < maxNumber && strings.ContainsAny(s, "eE") && roundedCode.MatchString(s) {
		return "what a spreadsheet has made of a longer number: its digits are rounded and lost; export the file again and import it without opening it in a spreadsheet"
	}
	if failed(s) {
		return failedText
	}
	return ""
}

// dated reports a code that a spreadsheet has turned into a date, as far as that can
// be told: somebody may have named a product "02-Mar".
func dated(s string) bool {
	return len(s) >= 5 && len(s) < maxNumber && strings.ContainsAny(s, "-. ") && strings.IndexFunc(s, unicode.IsLower) >= 0 && datedCode.MatchString(s)
}
