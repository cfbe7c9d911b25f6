package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

// NewTenants is the command tenants: what of the catalog no archive has, into a
// file and back.
func NewTenants(env *site.Env, g *site.Globals, program string) *cobra.Command {
	cmd := site.NewGroup("tenants", "Back up and bring back customers, keys, owners, tokens and zones",
		newExport(env, g, program), newImport(env, g, program))
	cmd.Long = "Customers, their API keys (hashes), which zone is whose, their tokens (encrypted) and how zones are collected stand in\n" +
		"the catalog and in no archive: archive rebuild-catalog does not bring them back, tenants import does. The audit log\n" +
		"is not among them: it is in a backup of the catalog alone.\n\n" + site.ExitHelp
	return cmd
}

// The name and version of the file.
const (
	tenantsFormat  = "rainlogs-tenants"
	tenantsVersion = 1
	maxTenants     = 256 << 20
)

// tenantsFile is a tenant.Snapshot as JSON.
type tenantsFile struct {
	Format      string          `json:"format"`
	V           int             `json:"v"`
	ExportedAt  time.Time       `json:"exported_at"`
	Customers   []customerRow   `json:"customers"`
	Keys        []keyRow        `json:"api_keys"`
	Owners      []ownerRow      `json:"zone_owners"`
	Credentials []credentialRow `json:"credentials"`
	Zones       []zoneRow       `json:"zones"`
}

type customerRow struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Sources   []string  `json:"sources,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

type keyRow struct {
	ID        string    `json:"id"`
	Customer  string    `json:"customer"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Prefix    string    `json:"prefix"`
	Hash      []byte    `json:"hash"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	UsedAt    time.Time `json:"last_used_at,omitzero"`
}

type ownerRow struct {
	Zone     string `json:"zone"`
	Customer string `json:"customer"`
}

type credentialRow struct {
	Customer  string    `json:"customer"`
	Source    string    `json:"source"`
	Plugin    string    `json:"plugin"`
	Sealed    []byte    `json:"sealed"`
	Recipient string    `json:"recipient"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"token_set_at,omitzero"`
}

type zoneRow struct {
	ID       string    `json:"id"`
	Dataset  string    `json:"dataset"`
	Name     string    `json:"name"`
	AddedAt  time.Time `json:"added_at,omitzero"`
	Paused   bool      `json:"paused,omitempty"`
	Schedule string    `json:"schedule,omitempty"`
	From     time.Time `json:"from,omitzero"`
	Source   string    `json:"source,omitempty"`
	Subject  string    `json:"subject,omitempty"`
}

func fileOf(s tenant.Snapshot, now time.Time) tenantsFile {
	f := tenantsFile{
		Format: tenantsFormat, V: tenantsVersion, ExportedAt: now.UTC().Truncate(time.Second),
		Customers: []customerRow{}, Keys: []keyRow{}, Owners: []ownerRow{}, Credentials: []credentialRow{}, Zones: []zoneRow{},
	}
	for _, c := range s.Customers {
		f.Customers = append(f.Customers, customerRow(c))
	}
	for _, k := range s.Keys {
		f.Keys = append(f.Keys, keyRow{k.ID, k.Customer, k.Name, string(k.Role), k.Prefix, k.Hash, k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.UsedAt})
	}
	for _, zone := range slices.Sorted(maps.Keys(s.Owners)) {
		f.Owners = append(f.Owners, ownerRow{zone, s.Owners[zone]})
	}
	for _, c := range s.Credentials {
		f.Credentials = append(f.Credentials, credentialRow{c.Customer, c.Name, c.Plugin, c.Sealed, c.Recipient, c.CreatedAt, c.UpdatedAt})
	}
	for _, z := range s.Zones {
		f.Zones = append(f.Zones, zoneRow{z.ID, z.Dataset, z.Name, z.AddedAt, z.Paused, z.Schedule, z.From, z.Source, z.Subject})
	}
	return f
}

func (f tenantsFile) snapshot() tenant.Snapshot {
	s := tenant.Snapshot{Owners: map[string]string{}}
	for _, c := range f.Customers {
		s.Customers = append(s.Customers, tenant.Customer(c))
	}
	for _, k := range f.Keys {
		s.Keys = append(s.Keys, tenant.Key{
			ID: k.ID, Customer: k.Customer, Name: k.Name, Role: tenant.Role(k.Role), Prefix: k.Prefix, Hash: k.Hash,
			CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt, UsedAt: k.UsedAt,
		})
	}
	for _, o := range f.Owners {
		s.Owners[o.Zone] = o.Customer
	}
	for _, c := range f.Credentials {
		s.Credentials = append(s.Credentials, tenant.Credential{
			Customer: c.Customer, Name: c.Source, Plugin: c.Plugin, Sealed: c.Sealed, Recipient: c.Recipient, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
		})
	}
	for _, z := range f.Zones {
		s.Zones = append(s.Zones, catalog.Zone{
			ID: z.ID, Name: z.Name, Dataset: z.Dataset, AddedAt: z.AddedAt, Paused: z.Paused, Schedule: z.Schedule, From: z.From, Source: z.Source, Subject: z.Subject,
		})
	}
	return s
}

func newExport(env *site.Env, g *site.Globals, program string) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "export", Short: "Write them to a file", Args: cobra.NoArgs,
		Long: "Write customers, API keys, owners, tokens and zones as JSON, to standard output or to a new file of mode 0600. There is\n" +
			"no secret in the open in it: of keys it has bcrypt hashes, and tokens open by the identities of api.identity alone,\n" +
			"which have to be kept too, elsewhere.\n\n" + site.ExitHelp,
		Example: program + " tenants export --out tenants-2026-11.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTenants(cmd.Context(), env, g, tenant.Operator, func(w *site.Workspace, s tenant.Store) error {
				taken, err := tenant.Take(cmd.Context(), s, w.Catalog)
				if err != nil {
					return err //nolint:wrapcheck // says what it did
				}
				return export(env, fileOf(taken, env.Now()), out)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "a file that is not there yet; default: standard output")
	return cmd
}

func export(env *site.Env, f tenantsFile, path string) error {
	if path == "" {
		return site.PrintJSON(env.Out, f) //nolint:wrapcheck // says what it did
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return site.Usagef("%s is there already", path)
	}
	if err != nil {
		return fmt.Errorf("export customers: %w", err)
	}
	if err := errors.Join(site.PrintJSON(file, f), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("export customers: %w", err)
	}
	_, err = fmt.Fprintf(env.Err, "%d customers, %d keys, %d tokens, %d zones\n", len(f.Customers), len(f.Keys), len(f.Credentials), len(f.Zones))
	return err //nolint:wrapcheck // standard error is gone
}

func newImport(env *site.Env, g *site.Globals, program string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Bring them back from a file", Args: cobra.ExactArgs(1),
		Long: "Enter what tenants export wrote into the catalog, all of it or nothing. What is there stays: customers, tokens and zones\n" +
			"that have a name. A key ends as soon as it does in one of the two. It can be done again.\n\n" + site.ExitHelp,
		Example: "rainlogs archive rebuild-catalog && " + program + " tenants import tenants-2026-11.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := readTenants(args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return withTenants(ctx, env, g, tenant.Operator, func(_ *site.Workspace, s tenant.Store) error {
				e := tenant.Event{At: env.Now(), Customer: tenant.Operator, Action: "tenants.import"}
				if err := entered(ctx, s, e, func() error { return s.Restore(ctx, f.snapshot()) }); err != nil {
					return err
				}
				_, err := fmt.Fprintf(env.Out, "%d customers, %d keys, %d tokens and %d zones are there\n", len(f.Customers), len(f.Keys), len(f.Credentials), len(f.Zones))
				return err //nolint:wrapcheck // standard output is gone
			})
		},
	}
	return cmd
}

func readTenants(path string) (f tenantsFile, err error) {
	file, err := os.Open(path)
	if err != nil {
		return f, site.Usage(err)
	}
	defer func() { _ = file.Close() }() // it is only read
	b, err := io.ReadAll(io.LimitReader(file, maxTenants+1))
	if err != nil {
		return f, fmt.Errorf("read %s: %w", path, err)
	}
	if len(b) > maxTenants {
		return f, site.Usagef("%s is larger than any file of customers", path)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return f, site.Usagef("%s is no file of tenants export, or damaged: %w", path, err)
	}
	if f.Format != tenantsFormat || f.V != tenantsVersion || dec.More() {
		return f, site.Usagef("%s is no file of tenants export that this program knows (format %.40q, version %d)", path, f.Format, f.V)
	}
	return f, nil
}
