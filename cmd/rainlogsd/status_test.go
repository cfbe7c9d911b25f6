package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// page signs in to the status page as a browser does, and demands a page of it.
func (c *caller) page(path, key string, status int, parts ...string) {
	c.Helper()
	stay := *c.client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ask := func(method, path, body string, cookie *http.Cookie) (*http.Response, string) {
		req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, strings.NewReader(body))
		if err != nil {
			c.Fatal(err)
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if cookie != nil {
			req.AddCookie(cookie)
		}
		res, err := stay.Do(req)
		if err != nil {
			c.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			c.Fatal(err)
		}
		return res, string(b)
	}
	res, body := ask("POST", "/sign-in", url.Values{"key": {key}}.Encode(), nil) //nolint:bodyclose // it is closed
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		c.Fatalf("sign in: status %d\n%s", res.StatusCode, body)
	}
	got, body := ask("GET", path, "", res.Cookies()[0]) //nolint:bodyclose // it is closed
	if got.StatusCode != status {
		c.Fatalf("%s: status %d, want %d\n%s", path, got.StatusCode, status, body)
	}
	for _, part := range parts {
		if !strings.Contains(body, part) {
			c.Errorf("%s lacks %q:\n%s", path, part, body)
		}
	}
}
