package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Pin is a plugin's entry in a config file.
type Pin struct {
	Kind   string // "source", "storage"
	Name   string
	Digest string // "sha256:…"
	Dir    string // becomes plugins.dir where the file has none; "" leaves it
}

// Lines returns the pin as lines of a config file.
func (p Pin) Lines() string { return p.block("", "\n") }

var errPinByHand = errors.New("the file is written in a way that only a person should change: put the lines in by hand")

// Set returns the text of a config file with the pin in it. All else stays as
// it was, byte for byte: the YAML library says where in the text the pin
// belongs, and the text is changed there alone.
func (p Pin) Set(text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	e := &edit{text: text, nl: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		e.nl = "\r\n"
	}
	var err error
	switch {
	case doc.Kind == 0: // nothing but comments
		err = e.append(p.block("", e.nl))
	case doc.Content[0].Kind != yaml.MappingNode || doc.Content[0].Style&yaml.FlowStyle != 0:
		err = errPinByHand
	default:
		err = p.setIn(e, doc.Content[0])
	}
	if err != nil {
		return nil, err
	}
	return e.text, p.checkEdit(text, e.text)
}

// block is the section plugins with nothing in it but this pin.
func (p Pin) block(indent, nl string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%splugins:%s", indent, nl)
	if p.Dir != "" {
		fmt.Fprintf(&b, "%s  dir: %q%s", indent, p.Dir, nl)
	}
	fmt.Fprintf(&b, "%s  pin:%s%s    %s%s", indent, nl, indent, p.entry(), nl)
	return b.String()
}

func (p Pin) key() string { return PinKey(p.Kind, p.Name) }

func (p Pin) entry() string { return fmt.Sprintf("%s: %q", p.key(), p.Digest) }

func (p Pin) setIn(e *edit, root *yaml.Node) error {
	key, plugins := child(root, "plugins")
	if plugins == nil {
		return e.append(e.nl + p.block("", e.nl))
	}
	pinKey, pins := child(plugins, "pin")
	if pins == nil {
		return p.addSection(e, key, plugins)
	}
	if _, old := child(pins, p.key()); old != nil {
		return e.replace(old, fmt.Sprintf("%q", p.Digest))
	}
	return e.insert(pinKey, pins, p.entry())
}

// addSection puts the section pin, and dir if it is wanted, into plugins.
func (p Pin) addSection(e *edit, key, plugins *yaml.Node) error {
	_, dir := child(plugins, "dir")
	if plugins.Style&yaml.FlowStyle != 0 {
		text := "pin: {" + p.entry() + "}"
		if dir == nil && p.Dir != "" {
			text = fmt.Sprintf("dir: %q, ", p.Dir) + text
		}
		return e.insert(key, plugins, text)
	}
	if err := e.insert(key, plugins, "pin:", "  "+p.entry()); err != nil {
		return err
	}
	if dir != nil || p.Dir == "" {
		return nil
	}
	return e.insert(key, plugins, fmt.Sprintf("dir: %q", p.Dir))
}

// checkEdit makes sure that the change says what it should, and nothing else.
func (p Pin) checkEdit(before, after []byte) error {
	var want, have map[string]any
	if yaml.Unmarshal(before, &want) != nil || yaml.Unmarshal(after, &have) != nil {
		return errPinByHand
	}
	if want == nil {
		want = map[string]any{}
	}
	plugins, _ := want["plugins"].(map[string]any)
	if plugins == nil {
		plugins = map[string]any{}
	}
	pins, _ := plugins["pin"].(map[string]any)
	if pins == nil {
		pins = map[string]any{}
		if _, ok := plugins["dir"]; !ok && p.Dir != "" {
			plugins["dir"] = p.Dir
		}
	}
	pins[p.key()] = p.Digest
	plugins["pin"] = pins
	want["plugins"] = plugins
	if !reflect.DeepEqual(want, have) {
		return errPinByHand
	}
	return nil
}

// child returns the key and the value of a mapping's member, or nil.
func child(m *yaml.Node, name string) (key, value *yaml.Node) {
	if m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// edit is a text that is changed at positions of its YAML nodes. A change
// leaves the lines above it where they are.
type edit struct {
	text []byte
	nl   string
}

func (e *edit) append(lines string) error {
	if n := len(e.text); n > 0 && e.text[n-1] != '\n' {
		lines = e.nl + lines
	}
	e.text = append(bytes.Clone(e.text), lines...)
	return nil
}

// insert puts lines into a mapping, before what is there: in braces behind
// the opening one, else below the mapping's key.
func (e *edit) insert(key, mapping *yaml.Node, lines ...string) error {
	if mapping.Style&yaml.FlowStyle != 0 {
		at, err := e.offset(mapping.Line, mapping.Column)
		if err != nil || at >= len(e.text) || e.text[at] != '{' {
			return errPinByHand
		}
		text := strings.Join(lines, " ")
		if len(mapping.Content) > 0 {
			text += ", "
		}
		return e.splice(at+1, at+1, text)
	}
	indent := key.Column + 1 // of members that are yet to come: two more than the key's
	switch {
	case mapping.Kind == yaml.MappingNode && len(mapping.Content) > 0:
		indent = mapping.Content[0].Column - 1
	case mapping.Tag != "!!null" || mapping.Value != "":
		return errPinByHand
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(strings.Repeat(" ", indent) + line + e.nl)
	}
	at, err := e.offset(key.Line+1, 1)
	if err != nil { // the key stands on the last line, which does not end
		return e.append(text.String())
	}
	return e.splice(at, at, text.String())
}

// replace changes a scalar of one line.
func (e *edit) replace(old *yaml.Node, text string) error {
	at, err := e.offset(old.Line, old.Column)
	if err != nil {
		return err
	}
	raw := old.Value
	switch {
	case old.Kind != yaml.ScalarNode:
		return errPinByHand
	case old.Style&yaml.DoubleQuotedStyle != 0:
		raw = `"` + raw + `"`
	case old.Style&yaml.SingleQuotedStyle != 0:
		raw = "'" + raw + "'"
	}
	if raw == "" || !bytes.HasPrefix(e.text[at:], []byte(raw)) {
		return errPinByHand
	}
	return e.splice(at, at+len(raw), text)
}

func (e *edit) splice(from, to int, text string) error {
	e.text = append(append(bytes.Clone(e.text[:from]), text...), e.text[to:]...)
	return nil
}

// offset turns a position of the YAML library, in lines and characters from
// 1, into one in bytes.
func (e *edit) offset(line, column int) (int, error) {
	at := 0
	for ; line > 1; line-- {
		end := bytes.IndexByte(e.text[at:], '\n')
		if end < 0 {
			return 0, errPinByHand
		}
		at += end + 1
	}
	for i := range string(e.text[at:]) {
		if column--; column == 0 {
			return at + i, nil
		}
	}
	if column == 1 {
		return len(e.text), nil
	}
	return 0, errPinByHand
}
