package exhibit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// csvOf is the records as a table: where they are from, and then each member
// that one of them has, in the order in which they first come.
func csvOf(found []*record) ([]byte, error) {
	fixed := []string{"_n", "_time", "_note", "_zone", "_dataset", "_seq", "_line", "_link"}
	var names []string
	place := map[string]int{}
	rows := make([]map[string]string, len(found))
	for i, rec := range found {
		order, values := members(rec.line)
		rows[i] = values
		for _, name := range order {
			if _, known := place[name]; !known {
				place[name] = len(names)
				names = append(names, name)
			}
		}
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true // RFC 4180
	head := append([]string{}, fixed...)
	for _, name := range names {
		head = append(head, cell(name))
	}
	_ = w.Write(head) // Error tells
	for i, rec := range found {
		at := ""
		if !rec.mark.Time.IsZero() {
			at = rec.mark.Time.UTC().Format(time.RFC3339Nano)
		}
		ref := rec.mark.Ref
		row := []string{
			strconv.Itoa(rec.number), at, cell(rec.mark.Note), ref.Zone, ref.Dataset,
			strconv.FormatInt(ref.Seq, 10), strconv.FormatInt(ref.Line, 10), ref.Permalink(),
		}
		for _, name := range names {
			row = append(row, cell(rows[i][name]))
		}
		_ = w.Write(row) // Error tells
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("write records.csv: %w", err)
	}
	return b.Bytes(), nil
}

// members are a record's, texts without their quotes and all else as it
// stands; a line that is no object has none.
func members(line []byte) (order []string, values map[string]string) {
	values = map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, map[string]string{}
	}
	for dec.More() {
		t, err := dec.Token()
		name, isName := t.(string)
		var raw json.RawMessage
		if err != nil || !isName || dec.Decode(&raw) != nil {
			break
		}
		text := string(raw)
		var s string
		switch {
		case text == "null":
			text = ""
		case json.Unmarshal(raw, &s) == nil:
			text = s
		}
		if _, twice := values[name]; !twice {
			order = append(order, name)
		}
		values[name] = text
	}
	return order, values
}

// maxCell is what spreadsheets take (32,767), with room for a mark that it was cut.
const maxCell = 32_000

// cell makes a text harmless to a spreadsheet, which takes what begins with one
// of these for a formula (OWASP, CSV Injection): it gets an apostrophe. A number stays one.
func cell(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, text)
	if len(text) > maxCell {
		end := maxCell
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "… (cut; records.ndjson has it whole)"
	}
	if text == "" || !strings.ContainsRune("=+-@\t\n|%＝＋－＠", firstRune(text)) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return "'" + text
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// readme says how to check a bundle.
func readme(p Provenance) []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Records of a case, as sealed in a RainLogs archive")
	line("")
	line("Case      %s (%s)", printable(p.Case.Title), p.Case.Name)
	line("Archive   %s", p.Archive)
	line("Written   %s by %s with %s", p.WrittenAt.Format(time.RFC3339), printable(p.WrittenBy), p.Program)
	line("Records   %d, from %d chains", len(p.Records), len(p.Chains))
	for _, l := range p.Left {
		line("NOT HERE  %s: %s", l.Link, printable(l.Problem))
	}
	line("")
	line("records.ndjson holds the lines exactly as they were received and sealed, in the order of their event times.")
	line("records.csv shows the same in a spreadsheet: a cell that a spreadsheet would take for a formula has an apostrophe before it.")
	line("provenance.json says of each line which entry, object and line number it is, with the proofs.")
	line("case.jsonl is the case's journal: who did what and when. Each line holds the SHA-256 of the line before it.")
	line("")
	line("1. That no file was changed since:")
	line("")
	line("     sha256sum -c SHA256SUMS")
	line("")
	line("2. That each line was sealed by the archive, without access to it:")
	line("")
	line("     rainlogs case check . --key KEY")
	line("")
	line("   KEY is the archive's verifier key, got from its operator by another way than this folder. What is computed: the line's")
	line("   hash and line_proof give content.merkle_root of the file in entries/ (RFC 6962, 2.1.1); that file's hash and entry_proof")
	line("   give the root in the checkpoint in chains/, a signed note (C2SP tlog-checkpoint).")
	line("")
	line("3. That the archive still has them: in a copy of the archive,")
	line("")
	line("     rainlogs-verify ARCHIVE --key KEY")
	line("")
	line("   and for single lines, with zstd:")
	line("")
	for i, r := range p.Records {
		if i == 5 {
			line("     (the others likewise, by provenance.json)")
			break
		}
		line("     sha256sum ARCHIVE/%s    # %s", r.Object, r.ObjectSum)
		line("     zstd -dc ARCHIVE/%s | sed -n %dp | cmp - <(sed -n %dp records.ndjson)", r.Object, r.Line, r.N)
	}
	line("")
	for _, c := range p.Chains {
		line("Chain %s %s: %d entries, key %s (%s on the machine that wrote this)", c.Zone, c.Dataset, c.Size, c.VKey, c.Trust)
	}
	return b.Bytes()
}

// printable is a text on one line of a file for people.
func printable(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
