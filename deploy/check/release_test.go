package check

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the packagers that goreleaser.yaml names
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// TestReleaseConfig: goreleaser's own reading of its file, which refuses what
// it does not know, and what parts of the file mean to each other.
func TestReleaseConfig(t *testing.T) {
	t.Parallel()
	text := read(t, "goreleaser.yaml")
	p, err := config.LoadReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, b := range p.Builds {
		ids = append(ids, b.ID)
		if _, err := os.Stat(filepath.Join(repo, b.Main, "main.go")); err != nil {
			t.Error(err)
		}
		if !strings.Contains(strings.Join(b.Ldflags, " "), "site.Version={{ .Version }} -X main.version={{ .Version }}") || b.ModTimestamp == "" {
			t.Errorf("%s: flags %q, time %q", b.ID, b.Ldflags, b.ModTimestamp)
		}
	}
	if want := []string{"rainlogs", "rainlogsd", "rainlogs-verify"}; !slices.Equal(ids, want) {
		t.Errorf("builds %q, want %q", ids, want)
	}
	for _, a := range p.Archives {
		if len(a.IDs) != 1 || !slices.Contains(ids, a.IDs[0]) {
			t.Errorf("archive %s is of %q", a.ID, a.IDs)
		}
		// What install.sh fetches.
		if a.NameTemplate != a.ID+"_{{ .Version }}_{{ .Os }}_{{ .Arch }}" || !slices.Contains(a.Formats, "tar.gz") {
			t.Errorf("archive %s is named %s", a.ID, a.NameTemplate)
		}
		for _, f := range a.Files {
			if _, err := os.Stat(filepath.Join(repo, f.Source)); err != nil {
				t.Error(err)
			}
		}
	}
	if p.Checksum.NameTemplate != "SHA256SUMS" || p.Checksum.Algorithm != "sha256" {
		t.Errorf("checksums are %+v", p.Checksum)
	}
	if len(p.SBOMs) != 1 || len(p.Signs) != 1 || p.Signs[0].Artifacts != "checksum" {
		t.Errorf("SBOMs %+v, signatures %+v", p.SBOMs, p.Signs)
	}
	if _, err := config.LoadReader(bytes.NewReader(bytes.Replace(text, []byte("nfpms:"), []byte("nfpm:"), 1))); err == nil {
		t.Error("a key that goreleaser does not know is taken")
	}
}

// pages are the manual pages and completions that pages.sh makes.
var pages = sync.OnceValues(func() (string, error) {
	bin, err := built()
	if err != nil {
		return "", err
	}
	out := filepath.Join(filepath.Dir(bin), "pages")
	text, err := exec.CommandContext(context.Background(), "sh", filepath.Join(repo, "deploy/packages/pages.sh"), bin, out, "1764000000").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(text)))
	}
	// The workstation's are made in the same way, by a program that is not built here.
	for _, name := range []string{"man/rainlogs.1.gz", "bash/rainlogs", "zsh/_rainlogs", "fish/rainlogs.fish"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte("stands for it\n"), 0o600); err != nil {
			return "", err
		}
	}
	return out, nil
})

// pack makes a package of goreleaser.yaml, as goreleaser's nfpm pipe does: its
// contents, and a program.
func pack(t *testing.T, p config.NFPM, format, program string) string {
	t.Helper()
	made := made(t)
	contents := files.Contents{{Source: program, Destination: p.Bindir + "/" + p.IDs[0], FileInfo: &files.ContentFileInfo{Mode: 0o755}}}
	for _, c := range p.Contents {
		own := files.Content{Source: c.Source, Destination: c.Destination, Type: c.Type, Packager: c.Packager}
		if name, ok := strings.CutPrefix(own.Source, ".release/pages/"); ok {
			own.Source = filepath.Join(made, name)
		} else {
			own.Source = filepath.Join(repo, own.Source)
		}
		contents = append(contents, &own)
	}
	script := func(path string) string {
		if path == "" {
			return ""
		}
		return filepath.Join(repo, path)
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: p.PackageName, Arch: goarch(), Platform: "linux", Version: version, Section: p.Section, Maintainer: p.Maintainer,
		Description: p.Description, Vendor: p.Vendor, Homepage: p.Homepage, License: p.License, MTime: time.Unix(1764000000, 0),
		Overridables: nfpm.Overridables{
			Recommends: p.Recommends, Contents: contents,
			Scripts: nfpm.Scripts{PostInstall: script(p.Scripts.PostInstall), PreRemove: script(p.Scripts.PreRemove)},
		},
	})
	if err := errors.Join(nfpm.Validate(info), nfpm.PrepareForPackager(info, format)); err != nil {
		t.Fatalf("%s: %v", p.ID, err)
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := packager.Package(info, &b); err != nil {
		t.Fatalf("%s: %v", p.ID, err)
	}
	path := filepath.Join(t.TempDir(), packager.ConventionalFileName(info))
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func made(t *testing.T) string {
	t.Helper()
	dir, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPackages makes each package twice, and looks into it with dpkg.
func TestPackages(t *testing.T) {
	t.Parallel()
	needs(t, "dpkg-deb")
	p, err := config.LoadReader(bytes.NewReader(read(t, "goreleaser.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.NFPMs) != 3 {
		t.Errorf("%d packages", len(p.NFPMs))
	}
	small := filepath.Join(repo, "install.sh") // stands for the program, which takes long to compress
	for _, n := range p.NFPMs {
		t.Run(n.ID, func(t *testing.T) {
			t.Parallel()
			for _, format := range n.Formats {
				if a, b := sum(t, pack(t, n, format, small)), sum(t, pack(t, n, format, small)); format == "deb" && a != b {
					t.Errorf("%s: two of the same differ", format)
				}
			}
			list := output(t, "dpkg-deb", "--contents", pack(t, n, "deb", small))
			for _, c := range n.Contents {
				if here := strings.Contains(list, " ."+c.Destination+"\n"); here != (c.Packager != "rpm") {
					t.Errorf("%s in the package: %v", c.Destination, here)
				}
			}
			if strings.Contains(list, "/usr/local") || !strings.Contains(list, " ./usr/bin/"+n.ID+"\n") {
				t.Errorf("programs are elsewhere:\n%s", list)
			}
		})
	}
}

// TestInstalledPackage unpacks the collector's package into a root folder and runs what
// the package runs there: the user is made, the unit is found sound, the
// config's example is taken, the completion is bash's.
func TestInstalledPackage(t *testing.T) {
	t.Parallel()
	needs(t, "dpkg-deb", "systemd-analyze", "systemd-sysusers", "bash", "chroot")
	if os.Geteuid() != 0 {
		missing(t, "a chroot wants root")
	}
	p, err := config.LoadReader(bytes.NewReader(read(t, "goreleaser.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	root := minimal(t)
	output(t, "dpkg-deb", "--extract", pack(t, p.NFPMs[1], "deb", filepath.Join(programs(t), "rainlogsd")), root)
	output(t, "systemd-sysusers", "--root="+root)
	users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !strings.Contains(string(users), "rainlogs:x:") || !strings.Contains(string(users), ":/var/lib/rainlogs:/usr/sbin/nologin") {
		t.Errorf("users %s, %v", users, err)
	}
	for _, name := range []string{"install", "getent", "useradd"} { // what postinstall.sh calls, and finds nothing to do for
		if path, err := exec.LookPath(name); err == nil {
			withLibraries(t, root, path, filepath.Join(root, "bin", name))
		}
	}
	place(t, filepath.Join(repo, "deploy/packages/postinstall.sh"), filepath.Join(root, "postinstall"))
	// It did its work above.
	withLibraries(t, root, "/bin/true", filepath.Join(root, "bin/systemd-sysusers"))
	output(t, "chroot", root, "/bin/sh", "/postinstall", "configure")
	for path, want := range map[string]os.FileMode{"var/lib/rainlogs": 0o750, "etc/rainlogs": 0o750} {
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	output(t, "chroot", root, "/usr/bin/rainlogsd", "--config", "/usr/share/doc/rainlogsd/rainlogs.yaml.example", "config", "check")
	output(t, "bash", "-n", filepath.Join(root, "usr/share/bash-completion/completions/rainlogsd"))
}

// TestPages: the manual page is one, is the same each time, and knows the flags.
func TestPages(t *testing.T) {
	t.Parallel()
	needs(t, "mandoc", "gzip")
	dir := made(t)
	for _, page := range []string{"rainlogsd", "rainlogs-verify"} {
		text := output(t, "gzip", "-dc", filepath.Join(dir, "man", page+".1.gz"))
		if !strings.HasPrefix(text, ".TH "+strings.ToUpper(page)+` 1 "2025-11-24"`) {
			t.Errorf("%s begins %.80q", page, text)
		}
		path := filepath.Join(t.TempDir(), page+".1")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := output(t, "mandoc", "-T", "html", path); !strings.Contains(out, `id="DESCRIPTION"`) {
			t.Errorf("%s reads\n%s", page, out)
		}
	}
	page := output(t, "gzip", "-dc", filepath.Join(dir, "man/rainlogs-verify.1.gz"))
	help := output(t, filepath.Join(programs(t), "rainlogs-verify"), "--help")
	flags := 0
	for _, line := range strings.Split(help, "\n") {
		name, ok := strings.CutPrefix(line, "  -")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, " ")
		flags++
		if !strings.Contains(page, `\-`+strings.ReplaceAll(name, "-", `\-`)) {
			t.Errorf("the page of rainlogs-verify lacks -%s", name)
		}
	}
	if heads := strings.Count(page, ".TP\n"); flags < 9 || heads != flags {
		t.Errorf("%d flags in the help, %d on the page", flags, heads)
	}
}

// TestUnit: systemd finds nothing wrong with the unit, and little that it exposes.
func TestUnit(t *testing.T) {
	t.Parallel()
	needs(t, "systemd-analyze")
	root := t.TempDir()
	unit := filepath.Join(root, "usr/lib/systemd/system/rainlogsd.service")
	place(t, filepath.Join(repo, "deploy/systemd/rainlogsd.service"), unit)
	if err := os.Chmod(unit, 0o644); err != nil {
		t.Fatal(err)
	}
	out := output(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", unit) // 1.5 of 10
	if !strings.Contains(out, "Overall exposure level for rainlogsd.service") {
		t.Error(out)
	}
	text := string(read(t, "deploy/systemd/rainlogsd.service"))
	soft := strings.Replace(text, "ProtectSystem=strict\n", "", 1)
	soft = strings.Replace(soft, "SystemCallFilter=@system-service\n", "", 1)
	if err := os.WriteFile(unit, []byte(soft), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", unit).CombinedOutput(); err == nil {
		t.Errorf("a unit without its walls passes: %s", out)
	}
	verify := func(text string) string {
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--recursive-errors=no", "--man=no", unit).CombinedOutput() // it tells by what it prints
		return string(out)
	}
	// rainlogsd is not installed on this machine: that alone may be found.
	if out := verify(strings.Replace(text, "ExecStart=rainlogsd ", "ExecStart=/bin/true ", 1)); strings.Contains(out, "rainlogsd.service") {
		t.Errorf("systemd finds %s", out)
	}
	if out := verify(strings.Replace(text, "WatchdogSec=", "WatchdogSecs=", 1)); !strings.Contains(out, "WatchdogSecs") {
		t.Errorf("a key that systemd does not know is taken: %s", out)
	}
}
