package inventory

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// fromHTML reduces HTML to its text; blocks become lines. It is not a
// sanitizer: what comes out is plain text that its reader escapes.
func fromHTML(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	if !strings.Contains(s, ">") { // no tag ends, so none begins: "5 <6 boots"
		return html.UnescapeString(s)
	}
	var b strings.Builder
	var hidden atom.Atom // the element whose content is no text, while inside one
	depth := 0           // how many of that element are open
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case hidden == 0 && isHidden(tag):
				hidden, depth = tag, 1
			case hidden != 0 && tag == hidden:
				depth++
			}
			if hidden == 0 {
				b.WriteString(spacing(tag))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if hidden != 0 {
				if tag == hidden {
					if depth--; depth == 0 {
						hidden = 0
					}
				}
				continue
			}
			if tag != atom.Li && tag != atom.Tr && tag != atom.Dt && tag != atom.Dd { // these follow each other closely
				b.WriteString(spacing(tag))
			}
		}
	}
}

// isHidden knows the elements whose content nobody reads.
func isHidden(tag atom.Atom) bool {
	switch tag {
	case atom.Script, atom.Style, atom.Iframe, atom.Noscript, atom.Noembed, atom.Noframes, atom.Template, atom.Svg, atom.Object, atom.Select, atom.Textarea, atom.Title:
		return true
	}
	return false
}

// spacing is what stands in a text for a tag.
func spacing(tag atom.Atom) string {
	switch tag {
	case atom.P, atom.Div, atom.Br, atom.Hr, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Tr, atom.Table, atom.Blockquote,
		atom.Section, atom.Article, atom.Pre, atom.Header, atom.Footer, atom.Main, atom.Nav, atom.Aside, atom.Address, atom.Figure, atom.Figcaption,
		atom.Details, atom.Summary, atom.Caption, atom.Center, atom.Fieldset, atom.Form, atom.Legend, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return "\n"
	case atom.Td, atom.Th:
		return " "
	}
	return ""
}
