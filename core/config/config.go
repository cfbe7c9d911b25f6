// Package config reads rainlogs.yaml: defaults, the file, then the
// environment (RAINLOGS_…), each over the one before. An unknown key is an
// error with a suggestion; secrets are references, never values.
package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/dustin/go-humanize"
	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/robfig/cron/v3"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/sovereignty"
)

// FileName is the config file's usual name.
const FileName = "rainlogs.yaml"

// ErrNotFound: there is no config file where one was looked for.
var ErrNotFound = errors.New("no rainlogs.yaml found (make one with: rainlogs init)")

// Config is the whole configuration. Paths are absolute once loaded.
type Config struct {
	Path      string            `koanf:"-" yaml:"-"`
	Archive   Archive           `koanf:"archive"`
	Key       string            `koanf:"key" doc:"signing key: file:PATH (0600) or env:NAME"`
	Catalog   string            `koanf:"catalog" doc:"sqlite:PATH for one machine; postgres://USER@HOST/NAME for several daemons, or env:NAME or file:PATH that hold it with its password"`
	Spool     string            `koanf:"spool" doc:"folder for windows between source and archive"`
	Known     string            `koanf:"known" doc:"folder of remembered chain heads; keep it apart from the archive (default: the user's state folder)"`
	Sources   map[string]Plugin `koanf:"sources" doc:"settings of source plugins, by name; plugin: NAME where the source is called otherwise, such as one logpull for each customer's token"`
	Collector Collector         `koanf:"collector"`
	Server    Server            `koanf:"server"`
	API       API               `koanf:"api"`
	Query     Query             `koanf:"query"`
	TUI       TUI               `koanf:"tui"`
	Plugins   Plugins           `koanf:"plugins"`
}

// Plugin are the settings of one plugin; "plugin" and "name" are ours, all
// else is checked against the plugin's own schema.
type Plugin map[string]any

// Archive says where evidence is kept.
type Archive struct {
	Name string `koanf:"name" doc:"what people call the archive, on screens; empty for the name of the config's folder"`
	Mode string `koanf:"mode" doc:"with more than one store: failover (the first that takes an object) or mirror (all)"`
	// Sovereignty may be a list in the file.
	Sovereignty string   `koanf:"sovereignty" doc:"where evidence may be kept: eu (companies and places in the EU and the EEA; Switzerland and the UK with a notice), countries such as [DE, FR], or any"`
	Storage     []Plugin `koanf:"storage" doc:"the archive's stores, in order: {name: local, plugin: fs, path: ./archive}"`
}

// Collector are the defaults of collecting.
type Collector struct {
	Window      time.Duration `koanf:"window" doc:"length of a window, 1s to 1h"`
	Lag         time.Duration `koanf:"lag" doc:"how far behind now a window must end, at least 1m"`
	Concurrency int           `koanf:"concurrency" doc:"windows pulled at once"`
	Schedule    string        `koanf:"schedule" doc:"when the daemon collects, a cron expression in UTC; a zone may have its own"`
	Backfill    time.Duration `koanf:"backfill" doc:"how far back a new zone is collected, at most what the source still has"`
	Observe     time.Duration `koanf:"observe" doc:"how often the daemon asks the source about a zone: retention, boundary, fields"`
	Retention   time.Duration `koanf:"retention" doc:"how long objects are kept; 0 keeps them for ever"`
	Reason      string        `koanf:"retention_reason" doc:"why they are kept for so long; sealed with each expiry"`
	Tick        time.Duration `koanf:"tick" doc:"how often the daemon looks for what is due"`
	Recheck     time.Duration `koanf:"recheck" doc:"how soon a zone that waits for an operator is tried again; other waits are shares of it"`
	Drain       time.Duration `koanf:"drain" doc:"how long windows under way may go on when the daemon is stopped"`
}

// Server is the daemon's own HTTP server.
type Server struct {
	Listen string `koanf:"listen" doc:"HOST:PORT of /health and /metrics; empty for none"`
}

// Query are the limits of the query engine.
type Query struct {
	Cache   string        `koanf:"cache" doc:"folder for verified copies of objects (default: the user's cache folder)"`
	Memory  string        `koanf:"memory" doc:"DuckDB's memory limit, such as 4GiB"`
	Threads int           `koanf:"threads" doc:"0 = all cores"`
	Timeout time.Duration `koanf:"timeout" doc:"after which a question is stopped"`
	Columns Columns       `koanf:"columns"`
}

// Columns says where what queries derive from objects is kept.
type Columns struct {
	Dir   string `koanf:"dir" doc:"folder of Parquet files derived from objects; no evidence, may be removed at any time (default: below query.cache)"`
	Limit string `koanf:"limit" doc:"how large that folder may get, such as 20GiB; off or 0 reads objects only"`

	Collect bool `koanf:"collect" doc:"rainlogs collector builds columns of what it seals; rainlogsd leaves that to rainlogs index"`
}

// Bytes is the limit, 0 for off.
func (c Columns) Bytes() (int64, error) {
	if c.Limit == "off" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(c.Limit)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("query.columns.limit is %.40q: want a size such as 20GiB, or off", c.Limit)
	}
	return int64(n), nil
}

// Plugins says which third-party plugins may run.
type Plugins struct {
	Dir string            `koanf:"dir" doc:"folder of rainlogs-source-NAME and rainlogs-storage-NAME"`
	Pin map[string]string `koanf:"pin" doc:"source/NAME or storage/NAME: sha256:… of each plugin that may run"`
}

func defaults() map[string]any {
	return map[string]any{
		"archive.mode": "failover", "archive.sovereignty": "eu", "key": "file:./signing.key", "catalog": "sqlite:./catalog.db", "spool": "./spool",
		"collector.window": "5m", "collector.lag": "5m", "collector.concurrency": 8,
		"collector.schedule": "*/5 * * * *", "collector.backfill": "72h", "collector.observe": "6h", "collector.drain": "30s",
		"collector.tick": "10s", "collector.recheck": "5m",
		"collector.retention": "400d", "collector.retention_reason": "13 months: a year of evidence and the month in which it is asked for",
		"server.listen": "127.0.0.1:8080", "api.requests_per_second": 50, "api.status": true,
		"api.acme.cache": "./acme", "api.acme.directory": letsEncrypt,
		"query.memory": "4GiB", "query.timeout": "5m", "query.columns.limit": "20GiB", "query.columns.collect": true,
		"tui.theme": "auto", "tui.mouse": true, "tui.log": "journal:rainlogsd",
	}
}

// Find returns the config file to use: the flag, RAINLOGS_CONFIG,
// ./rainlogs.yaml, then the user's config folder. The working folder comes before
// the user's, so that inside an archive's folder its own config is meant.
func Find(flag string, getenv func(string) string) (string, error) {
	if flag == "" {
		flag = getenv("RAINLOGS_CONFIG")
	}
	if flag != "" {
		if info, err := os.Stat(flag); err == nil && info.IsDir() {
			flag = filepath.Join(flag, FileName)
		}
		if _, err := os.Stat(flag); err != nil {
			return "", fmt.Errorf("%w: %s", ErrNotFound, flag)
		}
		return flag, nil
	}
	for _, path := range []string{FileName, filepath.Join(xdg.ConfigHome, "rainlogs", FileName)} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNotFound
}

// Load reads a config file and the environment ("NAME=value" strings).
func Load(path string, environ []string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve config path: %w", err)
	}
	c, err := Parse(b, filepath.Dir(abs), environ)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Path = abs
	return c, nil
}

// Parse reads a config whose relative paths are relative to dir.
func Parse(b []byte, dir string, environ []string) (*Config, error) {
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(defaults(), "."), nil); err != nil {
		return nil, fmt.Errorf("load defaults: %w", err)
	}
	if err := k.Load(rawbytes.Provider(b), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if err := k.Load(confmap.Provider(fromEnv(environ), "."), nil); err != nil {
		return nil, fmt.Errorf("load environment: %w", err)
	}
	if err := checkKeys(k); err != nil {
		return nil, err
	}
	c := &Config{}
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: c, TagName: "koanf", WeaklyTypedInput: true, ErrorUnused: false,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(durations, lists),
	}})
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	c.resolve(dir)
	return c, c.validate()
}

// fromEnv maps RAINLOGS_COLLECTOR_WINDOW to collector.window, for the keys
// that are fixed. What is not one of them is no config: RAINLOGS_CONFIG, say,
// or a variable that a secret reference names.
func fromEnv(environ []string) map[string]any {
	names := map[string]string{}
	for _, key := range fixedKeys() {
		names[envName(key)] = key
	}
	out := map[string]any{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if key, ok := names[name]; ok {
			out[key] = value
		}
	}
	return out
}

func (c *Config) resolve(dir string) {
	c.Key = resolveRef(c.Key, dir)
	if path, ok := strings.CutPrefix(c.Catalog, "sqlite:"); ok {
		c.Catalog = "sqlite:" + absolute(path, dir)
	}
	c.Catalog = resolveRef(c.Catalog, dir)
	c.TUI.Log = resolveRef(c.TUI.Log, dir)
	c.Spool = absolute(c.Spool, dir)
	if c.Known == "" {
		c.Known = filepath.Join(xdg.StateHome, "rainlogs", "known")
	}
	c.Known = absolute(c.Known, dir)
	if c.Query.Cache == "" {
		c.Query.Cache = filepath.Join(xdg.CacheHome, "rainlogs")
	}
	c.Query.Cache = absolute(c.Query.Cache, dir)
	if c.Query.Columns.Dir == "" {
		c.Query.Columns.Dir = filepath.Join(c.Query.Cache, "columns")
	}
	c.Query.Columns.Dir = absolute(c.Query.Columns.Dir, dir)
	c.API.Registration, c.API.Identity = resolveRef(c.API.Registration, dir), resolveRef(c.API.Identity, dir)
	for _, path := range []*string{&c.API.TLSCert, &c.API.TLSKey, &c.API.ACME.Cache} {
		if *path != "" {
			*path = absolute(*path, dir)
		}
	}
	if c.Plugins.Dir != "" {
		c.Plugins.Dir = absolute(c.Plugins.Dir, dir)
	}
	for _, s := range c.Archive.Storage {
		if path, ok := s["path"].(string); ok && path != "" {
			s["path"] = absolute(path, dir)
		}
	}
	for _, s := range c.Sources {
		for name, v := range s {
			if text, ok := v.(string); ok {
				s[name] = resolveRef(text, dir)
			}
		}
	}
}

func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func resolveRef(ref, dir string) string {
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		return "file:" + absolute(path, dir)
	}
	return ref
}

func (c *Config) validate() error {
	if err := c.Archive.validate(); err != nil {
		return err
	}
	if err := checkCatalog(c.Catalog); err != nil {
		return err
	}
	if err := c.Plugins.validate(); err != nil {
		return err
	}
	if _, err := c.Query.Columns.Bytes(); err != nil {
		return err
	}
	if err := c.TUI.validate(); err != nil {
		return err
	}
	for name := range c.Sources {
		if strings.Contains(name, "/") {
			return fmt.Errorf("sources.%.80s: a name has no /", name)
		}
	}
	if err := c.API.validate(); err != nil {
		return err
	}
	return c.Collector.validate()
}

func (c Collector) validate() error {
	switch {
	case c.Window < time.Second || c.Window > time.Hour || c.Window%time.Second != 0:
		return fmt.Errorf("collector.window is %s: want whole seconds between 1s and 1h (Logpull's widest window)", c.Window)
	case c.Lag < time.Minute:
		return fmt.Errorf("collector.lag is %s: Logpull serves nothing younger than 1m", c.Lag)
	case c.Concurrency < 1 || c.Concurrency > 64:
		return fmt.Errorf("collector.concurrency is %d: want 1 to 64", c.Concurrency)
	}
	if _, err := cron.ParseStandard(c.Schedule); err != nil {
		return fmt.Errorf("collector.schedule %.80q is no cron expression such as \"*/5 * * * *\": %w", c.Schedule, err)
	}
	switch {
	case c.Backfill < 0:
		return fmt.Errorf("collector.backfill is %s: want 0 or more", c.Backfill)
	case c.Observe < time.Minute:
		return fmt.Errorf("collector.observe is %s: want at least 1m", c.Observe)
	case c.Retention != 0 && c.Retention < 24*time.Hour:
		return fmt.Errorf("collector.retention is %s: want 0 (for ever) or at least 24h", c.Retention)
	case c.Retention != 0 && strings.TrimSpace(c.Reason) == "":
		return errors.New("collector.retention_reason is empty: say why objects are kept for so long; it is sealed with each expiry")
	case c.Tick < 100*time.Millisecond || c.Tick > time.Minute:
		return fmt.Errorf("collector.tick is %s: want 100ms to 1m", c.Tick)
	case c.Recheck < time.Second:
		return fmt.Errorf("collector.recheck is %s: want at least 1s", c.Recheck)
	case c.Drain < time.Second:
		return fmt.Errorf("collector.drain is %s: want at least 1s", c.Drain)
	}
	return nil
}

// checkCatalog checks an address's form. It never repeats it: a database's may
// hold a password.
func checkCatalog(address string) error {
	scheme, _, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite", "env", "file":
		return nil
	case "postgres", "postgresql":
		if u, err := url.Parse(address); err != nil {
			return errors.New("catalog is not a URL such as postgres://USER@HOST/NAME")
		} else if _, has := u.User.Password(); has {
			return errors.New("catalog holds a password in the open: put the address into a variable or a file, and write env:NAME or file:PATH")
		}
		return nil
	}
	return errors.New("catalog: want sqlite:PATH, postgres://USER@HOST/NAME, or env:NAME or file:PATH that hold one")
}

func (a Archive) validate() error {
	switch {
	case a.Mode != "failover" && a.Mode != "mirror":
		return fmt.Errorf("archive.mode is %.40q: want failover or mirror", a.Mode)
	case len(a.Storage) == 0:
		return errors.New("archive.storage is empty: name at least one, such as {plugin: fs, path: ./archive}")
	case len(a.Storage) > evidence.MaxStores:
		return fmt.Errorf("archive.storage has %d stores: want at most %d", len(a.Storage), evidence.MaxStores)
	}
	if _, err := sovereignty.ParsePolicy(a.Sovereignty); err != nil {
		return err //nolint:wrapcheck // names the key
	}
	seen := map[string]int{}
	for i, p := range a.Storage {
		name := p.StoreName()
		first, taken := seen[name]
		switch {
		case p.Name() == "":
			return fmt.Errorf("archive.storage[%d] lacks plugin, such as plugin: fs", i)
		case len(a.Storage) == 1:
			// Its name stands nowhere: entries of a single store name none.
		case taken:
			return fmt.Errorf("archive.storage[%d] is named %q like archive.storage[%d]: give each a name of its own, which the ledger and the chain know it by", i, name, first)
		case !evidence.ValidStoreName(name):
			return fmt.Errorf("archive.storage[%d] is named %.64q: want 1 to 32 lower-case letters, digits and hyphens", i, name)
		}
		seen[name] = i
	}
	return nil
}
