// Package browser holds the test of the status page in a real browser,
// headless Chromium. It is a package of its own for the weight of what drives it.
package browser
