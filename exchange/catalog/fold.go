package catalog

import "strings"

// folds maps lower-case accented Latin letters (Unicode blocks Latin-1 Supplement
// to Latin Extended-B and Latin Extended Additional) to plain ones: what is left of
// their compatibility decomposition without combining marks, and the letters that
// have none (ß, æ, ø, ł, đ, þ …) as people type them.
var folds = foldTable(`
a àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ
ae æǣǽ
b ƀḃḅḇ
c çćĉċčḉ
d ðďđḋḍḏḑḓ
dz ǆǳ
e èéêëēĕėęěȅȇȩəḕḗḙḛḝẹẻẽếềểễệ
f ḟ
g ĝğġģǥǧǵḡ
h ĥħȟḣḥḧḩḫẖ
i ìíîïĩīĭįıǐȉȋɨḭḯỉị
ij ĳ
j ĵǰ
k ķĸǩḱḳḵ
l ĺļľłḷḹḻḽ
lj ǉ
m ḿṁṃ
n ñńņňŋǹṅṇṉṋ
nj ǌ
o òóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ
oe œ
p ṕṗ
r ŕŗřȑȓṙṛṝṟ
s śŝşšſșṡṣṥṧṩẛ
ss ßẞ
t ţťŧțṫṭṯṱẗ
th þ
u ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự
v ṽṿ
w ŵẁẃẅẇẉẘ
x ẋẍ
y ýÿŷȳẏẙỳỵỷỹ
z źżžẑẓẕ
`)

// foldTable reads lines "plain letters".
func foldTable(text string) map[rune]string {
	m := make(map[rune]string, 400)
	for line := range strings.Lines(text) {
		plain, letters, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, r := range letters {
			m[r] = plain
		}
	}
	return m
}
