package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pagesOfDocs are those whose every link and command is followed.
var pagesOfDocs = []string{"docs/deploy.md", "docs/compliance.md", "docs/threat-model.md", "docs/operations.md", "docs/config.md", "README.md"}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// TestLinks: each link within the repository leads somewhere, to the heading as well.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, page := range pagesOfDocs {
		for _, m := range link.FindAllStringSubmatch(string(read(t, page)), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			to := filepath.Join(filepath.Dir(page), path)
			if path == "" {
				to = page
			}
			info, err := os.Stat(filepath.Join(repo, to))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if anchor != "" && !info.IsDir() && !slices.Contains(anchors(string(read(t, to))), anchor) {
				t.Errorf("%s: %s has no heading %s", page, to, anchor)
			}
		}
	}
}

// anchors are a page's headings as GitHub makes anchors of them.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

var command = regexp.MustCompile(`\b(rainlogs|rainlogsd) ((?:--config \S+ )?)((?:[a-z-]+ ?)+)`)

// TestCommands: each command that a page names is one of the program's, with the flags
// that are given with it.
func TestCommands(t *testing.T) {
	t.Parallel()
	rainlogs, err := filepath.Abs(filepath.Join(repo, "bin/rainlogs"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(rainlogs); err != nil {
		missing(t, "bin/rainlogs is not built")
	}
	program := map[string]string{"rainlogs": rainlogs, "rainlogsd": filepath.Join(programs(t), "rainlogsd")}
	asked := 0
	for _, page := range pagesOfDocs[:3] {
		for _, code := range snippets(string(read(t, page))) {
			m := command.FindStringSubmatch(code)
			if m == nil {
				continue
			}
			words := []string{}
			for _, w := range strings.Fields(m[3]) {
				if strings.HasPrefix(w, "-") {
					break
				}
				words = append(words, w)
			}
			help, err := exec.CommandContext(t.Context(), program[m[1]], append(words, "--help")...).CombinedOutput()
			if err != nil || !strings.Contains(string(help), "USAGE") || !strings.Contains(string(help), strings.Join(append([]string{m[1]}, words[:1]...), " ")) {
				t.Errorf("%s: %s: %v\n%.300s", page, code, err, help)
			}
			for _, flag := range regexp.MustCompile(`\s(--[a-z-]+)`).FindAllStringSubmatch(code[strings.Index(code, m[0]):], -1) {
				if !strings.Contains(string(help), flag[1]) {
					t.Errorf("%s: %s: there is no %s", page, code, flag[1])
				}
			}
			asked++
		}
	}
	if asked < 15 {
		t.Errorf("only %d commands were found", asked)
	}
}

// snippets are a page's lines of shell and its words of code.
func snippets(text string) []string {
	var out []string
	inside := false
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
		case inside:
			line, _, _ = strings.Cut(line, " # ")
			if _, after, ok := strings.Cut(line, "docker compose run --rm "); ok {
				line = after
			}
			if strings.HasPrefix(line, "rainlogs") {
				out = append(out, line)
			}
		default:
			for _, m := range regexp.MustCompile("`(rainlogsd? [^`]+)`").FindAllStringSubmatch(line, -1) {
				out = append(out, m[1])
			}
		}
	}
	return out
}
