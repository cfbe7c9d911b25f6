// Package status is the web page that shows how a customer's zones stand, for
// people without a terminal. It is made on the server: one HTML document and one
// style sheet, no script, nothing from another host. core/api/server serves
// it, and knows who may see what.
//
// What comes from outside (names, reasons, what a source said) goes through
// Text and html/template's escaping: it is shown, and does nothing. State is
// never colour alone: every cell of a map has a glyph, and says its state to
// who hovers over it.
package status
