// Package page has the few pages that the gate shows by itself.
package page

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var source string

var pages = template.Must(template.New("page").Parse(source))

// Page is what stands on one.
type Page struct {
	Title    string
	Says     string
	Prefix   string
	Next     string // where a login leads
	Password bool   // whether local users can log in
	Provider bool   // whether users of a provider can
	Who      string // who is logged in
}

// Show writes a page.
func Show(w http.ResponseWriter, status int, shown Page) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_ = pages.Execute(w, shown)
}
