package check

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

// project loads deploy/compose.yaml as `docker compose config` does: against
// Compose's schema, with every reference followed.
func project(ctx context.Context, file, dir string, environment ...string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(dir), cli.WithEnv(environment),
		cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}

var site = []string{"ACME_EMAIL=ops@example.eu", "RAINLOGS_HOST=logs.example.eu"}

// composed is deploy as prepare.sh leaves it, in a folder of its own.
func composed(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "prepare.sh wants root")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "compose"), os.DirFS(filepath.Join(repo, "deploy/compose"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), read(t, "deploy/compose.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, "sh", filepath.Join(dir, "compose/prepare.sh"))
	return dir
}

func TestCompose(t *testing.T) {
	t.Parallel()
	dir := composed(t)
	p, err := project(t.Context(), filepath.Join(dir, "compose.yaml"), dir, site...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"garage", "postgres", "rainlogs", "rainlogsd", "traefik"}
	if got := p.ServiceNames(); !slices.Equal(got, want) {
		t.Errorf("services %q, want %q", got, want)
	}
	for _, s := range p.Services {
		hardened(t, p, s)
	}
	for name, n := range p.Networks {
		if inner := name == "front" || name == "back"; n.Internal != inner {
			t.Errorf("network %s: internal is %v", name, n.Internal)
		}
	}
	// Whom rainlogsd believes about whom they ask for is who is on that network, and nobody else.
	front := p.Networks["front"].Ipam.Config[0].Subnet
	if text := string(read(t, "deploy/compose/rainlogs.yaml")); !strings.Contains(text, "proxies: "+front+" ") {
		t.Errorf("api.proxies is not the network %s", front)
	}
	for name, s := range p.Secrets {
		if _, err := os.Stat(s.File); err != nil {
			t.Errorf("secret %s: %v", name, err)
		}
	}
}

var pinned = regexp.MustCompile(`^[^:]+:v?\d+\.\d+`)

func hardened(t *testing.T, p *types.Project, s types.ServiceConfig) {
	t.Helper()
	built := s.Build != nil
	switch {
	case !built && !pinned.MatchString(s.Image):
		t.Errorf("%s: image %s has no version", s.Name, s.Image)
	case !s.ReadOnly:
		t.Errorf("%s: its root filesystem is not read-only", s.Name)
	case !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || s.Privileged:
		t.Errorf("%s: has capabilities", s.Name)
	case !slices.Contains(s.SecurityOpt, "no-new-privileges:true"):
		t.Errorf("%s: may gain privileges", s.Name)
	case s.HealthCheck == nil && s.Name != "rainlogs":
		t.Errorf("%s: has no health check", s.Name)
	case s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 || s.Deploy.Resources.Limits.Pids == 0:
		t.Errorf("%s: has no limits", s.Name)
	case len(s.Ports) > 0 && s.Name != "traefik":
		t.Errorf("%s: is to be reached from outside", s.Name)
	case s.NetworkMode == "host" || s.Pid == "host":
		t.Errorf("%s: shares the host's namespaces", s.Name)
	}
	for _, v := range s.Volumes {
		if strings.Contains(v.Source, "docker.sock") {
			t.Errorf("%s: has Docker's socket", s.Name)
		}
		if _, named := p.Volumes[v.Source]; v.Type == types.VolumeTypeBind && !named {
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
	for name, value := range s.Environment {
		if secretName.MatchString(name) && value != nil && !strings.HasSuffix(name, "_FILE") && !strings.HasPrefix(name, "GARAGE_DEFAULT") {
			t.Errorf("%s: %s is in its environment", s.Name, name)
		}
	}
}

var secretName = regexp.MustCompile(`(?i)password|secret|token`)

// TestComposeRefuses: without what only the operator knows nothing starts.
func TestComposeRefuses(t *testing.T) {
	t.Parallel()
	dir := composed(t)
	file := filepath.Join(dir, "compose.yaml")
	if _, err := project(t.Context(), file, dir, site[0]); err == nil || !strings.Contains(err.Error(), "RAINLOGS_HOST") {
		t.Errorf("without a host: %v", err)
	}
	text := strings.Replace(string(read(t, "deploy/compose.yaml")), "healthcheck:", "healthchek:", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := project(t.Context(), file, dir, site...); err == nil || !strings.Contains(err.Error(), "healthchek") {
		t.Errorf("a key that Compose does not know: %v", err)
	}
}

// TestPrepare: each secret is its reader's alone, and is made once.
func TestPrepare(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(composed(t), "compose")
	before := map[string]string{}
	for name, owner := range map[string]uint32{
		"postgres_password": 999, "garage_rpc_secret": 0, "garage.env": 0, "s3_key_id": 65532, "s3_secret": 65532,
		"catalog_url": 65532, "signing_key": 65532, "cloudflare_token": 65532, "registration": 65532, "age_identity": 65532,
	} {
		info, err := os.Stat(filepath.Join(dir, "secrets", name))
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != owner || info.Mode() != 0o600 {
			t.Errorf("%s is %d's with mode %v, want %d's with 0600", name, st.Uid, info.Mode(), owner)
		}
		before[name] = sum(t, filepath.Join(dir, "secrets", name))
	}
	if before["s3_secret"] == before["postgres_password"] {
		t.Error("two secrets are one")
	}
	output(t, "sh", filepath.Join(dir, "prepare.sh"))
	for name, was := range before {
		if now := sum(t, filepath.Join(dir, "secrets", name)); now != was {
			t.Errorf("%s was made again", name)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "secrets"))
	if err != nil || len(entries) != len(before) {
		t.Errorf("secrets holds %v, %v", entries, err)
	}
}

// TestConfigs: rainlogsd takes each config, and its files are those that are
// mounted into the container.
func TestConfigs(t *testing.T) {
	t.Parallel()
	rainlogsd := filepath.Join(programs(t), "rainlogsd")
	p, err := project(t.Context(), filepath.Join(composed(t), "compose.yaml"), composed(t), site...)
	if err != nil {
		t.Fatal(err)
	}
	mounted := map[string][]string{"deploy/k8s/example/rainlogs.yaml": secretKeys}
	for _, s := range p.Services["rainlogsd"].Secrets {
		mounted["deploy/compose/rainlogs.yaml"] = append(mounted["deploy/compose/rainlogs.yaml"], s.Source)
	}
	for file, secrets := range mounted {
		output(t, rainlogsd, "--config", filepath.Join(repo, file), "config", "check")
		var used []string
		for _, m := range regexp.MustCompile(`file:(/run/secrets/\S+)`).FindAllStringSubmatch(string(read(t, file)), -1) {
			used = append(used, filepath.Base(m[1]))
		}
		slices.Sort(used)
		slices.Sort(secrets)
		if !slices.Equal(used, secrets) {
			t.Errorf("%s uses %q, the container has %q", file, used, secrets)
		}
	}
	broken := filepath.Join(t.TempDir(), "rainlogs.yaml")
	text := strings.Replace(string(read(t, "deploy/compose/rainlogs.yaml")), "listen:", "lisen:", 1)
	if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), rainlogsd, "--config", broken, "config", "check").CombinedOutput(); err == nil {
		t.Errorf("a key that means nothing is taken: %s", out)
	}
}

// TestTraefik: what is passed on is what stands here, and goes to the service
// of compose.yaml.
func TestTraefik(t *testing.T) {
	t.Parallel()
	var c struct {
		HTTP struct {
			Routers map[string]struct {
				Rule, Service string
				EntryPoints   []string
				Middlewares   []string
				TLS           *struct{ CertResolver, Options string }
			}
			Middlewares map[string]any
			Services    map[string]struct {
				LoadBalancer struct {
					Servers            []struct{ URL string }
					ResponseForwarding *struct{ FlushInterval string }
				}
			}
		}
		TLS struct{ Options map[string]any }
	}
	if err := yaml.UnmarshalStrict(read(t, "deploy/compose/traefik.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	compose := string(read(t, "deploy/compose.yaml"))
	for name, r := range c.HTTP.Routers {
		if r.TLS == nil || !slices.Equal(r.EntryPoints, []string{"websecure"}) {
			t.Errorf("router %s answers without TLS", name)
			continue
		}
		if !strings.Contains(compose, "--entrypoints."+r.EntryPoints[0]+".") || !strings.Contains(compose, "--certificatesresolvers."+r.TLS.CertResolver+".") {
			t.Errorf("router %s names an entry point or a resolver that compose.yaml does not make", name)
		}
		for _, m := range r.Middlewares {
			if c.HTTP.Middlewares[m] == nil {
				t.Errorf("router %s: there is no middleware %s", name, m)
			}
		}
		// /metrics is at the same port as /health.
		want, ok := map[string][2]string{
			"health": {"http://rainlogsd:8080", "Host(`{{ env \"RAINLOGS_HOST\" }}`) && Path(`/health`)"},
			"api":    {"http://rainlogsd:8081", "Host(`{{ env \"RAINLOGS_HOST\" }}`) && !Path(`/health`)"},
		}[name]
		if s := c.HTTP.Services[r.Service]; !ok || len(s.LoadBalancer.Servers) != 1 || s.LoadBalancer.Servers[0].URL != want[0] || r.Rule != want[1] {
			t.Errorf("router %s passes %s on to %v", name, r.Rule, s)
		}
	}
}
