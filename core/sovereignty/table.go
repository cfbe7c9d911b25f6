package sovereignty

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Checked is when the table was last gone through.
const Checked = "2026-11-25"

// Provider is a company that rents out S3 storage.
type Provider struct {
	ID      string
	Company string
	Law     string // ISO 3166-1 alpha-2: of the company, or of its parent
	// Endpoint is the URL of a region's endpoint, with %s for the region; ""
	// where there is no such rule.
	Endpoint  string
	Regions   []string // which have an endpoint
	PathStyle bool     // the bucket stands in the path, never in the host's name
	// SignAs is the region in signatures, where it is not the endpoint's.
	SignAs map[string]string
	// MaxLock is how many days an object can be locked for at most; 0 is not known.
	MaxLock int

	places map[string]string // suffix of a host → where the objects lie, "" if that does not tell
}

// rule is what a suffix says.
type rule struct {
	provider *Provider
	location string
}

// table maps suffixes of hosts to what they say.
var table = sync.OnceValue(func() map[string]rule {
	out := map[string]rule{}
	for i := range providers {
		for suffix, location := range providers[i].places {
			out[suffix] = rule{&providers[i], location}
		}
	}
	return out
})

// Preset is a provider's S3 endpoint in a region.
type Preset struct {
	Endpoint  string
	Region    string // as it is signed
	PathStyle bool
}

// PresetOf finds a provider by its id, and the endpoint of one of its regions.
func PresetOf(provider, region string) (Preset, error) {
	for i := range providers {
		p := &providers[i]
		if p.ID != provider || p.Endpoint == "" {
			continue
		}
		if !slices.Contains(p.Regions, region) {
			return Preset{}, fmt.Errorf("%w: %s has no region %.40q: want one of %s", ErrInvalid, p.Company, region, strings.Join(p.Regions, ", "))
		}
		preset := Preset{Endpoint: p.Endpoint, Region: region, PathStyle: p.PathStyle}
		if strings.Contains(p.Endpoint, "%s") {
			preset.Endpoint = fmt.Sprintf(p.Endpoint, region)
		}
		if as := p.SignAs[region]; as != "" {
			preset.Region = as
		}
		return preset, nil
	}
	return Preset{}, fmt.Errorf("%w: provider %.40q has no preset: want one of %s, or give the endpoint", ErrInvalid, provider, strings.Join(Presets(), ", "))
}

// Presets are the ids of the providers that have one.
func Presets() []string {
	ids := map[string]bool{}
	for i := range providers {
		if providers[i].Endpoint != "" {
			ids[providers[i].ID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// providers: those under the law of the EU and the EEA by their documentation
// (endpoints, regions), those to be refused by the suffixes of their hosts.
// Where a provider has regions outside the EU, each suffix says where it is.
var providers = []Provider{
	{
		ID: "hetzner", Company: "Hetzner Online GmbH", Law: "DE", Endpoint: "https://%s.your-objectstorage.com", Regions: []string{"fsn1", "nbg1", "hel1"},
		places: map[string]string{"your-objectstorage.com": "", "fsn1.your-objectstorage.com": "DE", "nbg1.your-objectstorage.com": "DE", "hel1.your-objectstorage.com": "FI"},
	},
	{
		ID: "ovhcloud", Company: "OVH SAS", Law: "FR", Endpoint: "https://s3.%s.io.cloud.ovh.net",
		Regions: []string{"gra", "rbx", "sbg", "de", "waw", "eu-west-par", "eu-south-mil"},
		places: map[string]string{
			"io.cloud.ovh.net": "", "gra.io.cloud.ovh.net": "FR", "rbx.io.cloud.ovh.net": "FR", "sbg.io.cloud.ovh.net": "FR", "eu-west-par.io.cloud.ovh.net": "FR",
			"de.io.cloud.ovh.net": "DE", "waw.io.cloud.ovh.net": "PL", "eu-south-mil.io.cloud.ovh.net": "IT", "uk.io.cloud.ovh.net": "GB",
			"bhs.io.cloud.ovh.net": "CA", "ca-east-tor.io.cloud.ovh.net": "CA", "sgp.io.cloud.ovh.net": "SG",
			"ap-southeast-syd.io.cloud.ovh.net": "AU", "ap-south-mum.io.cloud.ovh.net": "IN",
		},
	},
	{
		ID: "scaleway", Company: "Scaleway SAS", Law: "FR", Endpoint: "https://s3.%s.scw.cloud", Regions: []string{"fr-par", "nl-ams", "pl-waw"},
		places: map[string]string{"scw.cloud": "", "fr-par.scw.cloud": "FR", "nl-ams.scw.cloud": "NL", "pl-waw.scw.cloud": "PL"},
	},
	{
		ID: "ionos", Company: "IONOS SE", Law: "DE", Endpoint: "https://s3.%s.ionoscloud.com", PathStyle: true,
		Regions: []string{"eu-central-1", "eu-central-2", "eu-central-3", "eu-central-4", "eu-south-2"}, SignAs: map[string]string{"eu-central-1": "de"},
		places: map[string]string{
			"ionoscloud.com": "", "eu-central-1.ionoscloud.com": "DE", "eu-central-2.ionoscloud.com": "DE", "eu-central-3.ionoscloud.com": "DE",
			"eu-central-4.ionoscloud.com": "DE", "eu-south-2.ionoscloud.com": "ES", "us-central-1.ionoscloud.com": "US",
			"s3-eu-central-1.ionoscloud.com": "DE", "s3-eu-central-2.ionoscloud.com": "DE", "s3-eu-south-2.ionoscloud.com": "ES", "s3-us-central-1.ionoscloud.com": "US",
			"s3.de-central.profitbricks.com": "DE",
		},
	},
	{
		ID: "exoscale", Company: "Akenes SA (Exoscale, of A1 Telekom Austria)", Law: "CH", Endpoint: "https://sos-%s.exo.io",
		Regions: []string{"at-vie-1", "at-vie-2", "de-fra-1", "de-muc-1", "bg-sof-1", "hr-zag-1", "ch-gva-2", "ch-dk-2"},
		places: map[string]string{
			"exo.io": "", "sos-at-vie-1.exo.io": "AT", "sos-at-vie-2.exo.io": "AT", "sos-de-fra-1.exo.io": "DE", "sos-de-muc-1.exo.io": "DE",
			"sos-bg-sof-1.exo.io": "BG", "sos-hr-zag-1.exo.io": "HR", "sos-ch-gva-2.exo.io": "CH", "sos-ch-dk-2.exo.io": "CH",
		},
	},
	{ID: "upcloud", Company: "UpCloud Oy", Law: "FI", places: map[string]string{"upcloudobjects.com": ""}},
	{
		ID: "leaseweb", Company: "Leaseweb Global B.V.", Law: "NL", Endpoint: "https://%s.object-storage.io", Regions: []string{"nl", "de"},
		SignAs: map[string]string{"nl": "nl-01", "de": "de-01"},
		places: map[string]string{"object-storage.io": "", "nl.object-storage.io": "NL", "de.object-storage.io": "DE", "uk.object-storage.io": "GB", "us.object-storage.io": "US", "ca.object-storage.io": "CA"},
	},
	{
		ID: "contabo", Company: "Contabo GmbH", Law: "DE", Endpoint: "https://%s.contabostorage.com", Regions: []string{"eu2"}, PathStyle: true, SignAs: map[string]string{"eu2": "default"},
		places: map[string]string{"contabostorage.com": "", "eu2.contabostorage.com": "DE", "usc1.contabostorage.com": "US", "sin1.contabostorage.com": "SG"},
	},
	{
		ID: "otc", Company: "T-Systems International GmbH (Open Telekom Cloud)", Law: "DE", Endpoint: "https://obs.%s.otc.t-systems.com", Regions: []string{"eu-de", "eu-nl"}, MaxLock: 36500,
		places: map[string]string{"otc.t-systems.com": "", "obs.otc.t-systems.com": "DE", "eu-de.otc.t-systems.com": "DE", "eu-nl.otc.t-systems.com": "NL"},
	},
	{
		ID: "stackit", Company: "STACKIT GmbH & Co. KG", Law: "DE", Endpoint: "https://object.storage.%s.onstackit.cloud", Regions: []string{"eu01"}, MaxLock: 365,
		places: map[string]string{"onstackit.cloud": "DE"},
	},
	{
		ID: "cubbit", Company: "Cubbit S.r.l.", Law: "IT", Endpoint: "https://s3.cubbit.eu", Regions: []string{"eu-west-1"},
		places: map[string]string{"cubbit.eu": ""}, // spread over nodes: geofencing is asked for with the tenant
	},
	{
		ID: "aruba", Company: "Aruba S.p.A.", Law: "IT", Endpoint: "https://%s.storage.cloud.it", Regions: []string{"r1-it"},
		places: map[string]string{"storage.cloud.it": "", "r1-it.storage.cloud.it": "IT"},
	},
	{
		ID: "impossible", Company: "Impossible Cloud GmbH", Law: "DE", Endpoint: "https://%s.storage.impossibleapi.net",
		Regions: []string{"eu-central-2", "eu-west-1", "eu-west-3", "eu-east-1", "eu-north-1"},
		places: map[string]string{
			"storage.impossibleapi.net": "", "eu-central-2.storage.impossibleapi.net": "DE", "eu-west-1.storage.impossibleapi.net": "NL", "eu-west-3.storage.impossibleapi.net": "FR",
			"eu-east-1.storage.impossibleapi.net": "PL", "eu-north-1.storage.impossibleapi.net": "DK", "eu-west-2.storage.impossibleapi.net": "GB", "us-east-1.storage.impossibleapi.net": "US",
		},
	},
	{
		ID: "infomaniak", Company: "Infomaniak Network SA", Law: "CH", Endpoint: "https://s3.%s.infomaniak.cloud", Regions: []string{"pub1", "pub2"}, PathStyle: true,
		SignAs: map[string]string{"pub1": "us-east-1", "pub2": "us-east-1"},
		places: map[string]string{"infomaniak.cloud": "CH", "infomaniak.com": "CH"},
	},
	{ID: "cleura", Company: "Cleura AB", Law: "SE", places: map[string]string{"citycloud.com": "", "cleura.cloud": ""}},
	{
		ID: "outscale", Company: "Outscale SASU (Dassault Systèmes)", Law: "FR", Endpoint: "https://oos.%s.outscale.com", Regions: []string{"eu-west-2", "cloudgouv-eu-west-1"}, PathStyle: true,
		places: map[string]string{
			"outscale.com": "", "eu-west-2.outscale.com": "FR", "cloudgouv-eu-west-1.outscale.com": "FR",
			"us-east-2.outscale.com": "US", "us-west-1.outscale.com": "US", "ap-northeast-1.outscale.com": "JP",
		},
	},
	{ID: "gridscale", Company: "gridscale GmbH", Law: "DE", places: map[string]string{"gos3.io": ""}},
	{ID: "intercolo", Company: "Intercolo GmbH", Law: "DE", places: map[string]string{"i3storage.com": "", "de-fra.i3storage.com": "DE"}},
	{ID: "leviia", Company: "Leviia SAS", Law: "FR", places: map[string]string{"leviia.com": "FR"}},
	{ID: "swisscom", Company: "Swisscom AG", Law: "CH", places: map[string]string{"swisscom.com": "CH"}},

	// To be refused: the company is outside, wherever the data centre is.
	foreign("aws", "Amazon Web Services, Inc.", "US", "amazonaws.com", "amazonaws.com.cn", "aws.dev", "amazonaws.eu"),
	foreign("cloudflare", "Cloudflare, Inc. (whose logs these are)", "US", "cloudflarestorage.com", "r2.dev"),
	foreign("google", "Google LLC", "US", "googleapis.com"),
	foreign("microsoft", "Microsoft Corporation", "US", "core.windows.net", "azure.com"),
	foreign("backblaze", "Backblaze, Inc.", "US", "backblazeb2.com"),
	foreign("wasabi", "Wasabi Technologies LLC", "US", "wasabisys.com"),
	foreign("digitalocean", "DigitalOcean, LLC", "US", "digitaloceanspaces.com"),
	foreign("akamai", "Akamai Technologies, Inc.", "US", "linodeobjects.com", "akamai.com"),
	foreign("vultr", "The Constant Company, LLC", "US", "vultrobjects.com"),
	foreign("oracle", "Oracle Corporation", "US", "oraclecloud.com", "customer-oci.com"),
	foreign("ibm", "International Business Machines Corporation", "US", "appdomain.cloud"),
	foreign("fastly", "Fastly, Inc.", "US", "fastlystorage.app"),
	foreign("idrive", "IDrive Inc.", "US", "idrivee2.com", "idrivee2.io"),
	foreign("storj", "Storj Labs International", "US", "storjshare.io"),
	foreign("filebase", "Filebase, Inc.", "US", "filebase.com"),
	foreign("tigris", "Tigris Data, Inc.", "US", "tigris.dev", "storage.dev"),
	foreign("dreamhost", "New Dream Network, LLC", "US", "dream.io"),
	foreign("seagate", "Seagate Technology (Lyve)", "US", "seagate.com"),
	foreign("ovh-us", "OVH US LLC", "US", "io.cloud.ovh.us"),
	foreign("synology", "Synology Inc.", "TW", "synologyc2.net"),
	foreign("mega", "Mega Limited", "NZ", "megas4.com"),
	foreign("alibaba", "Alibaba Cloud", "CN", "aliyuncs.com"),
	foreign("tencent", "Tencent Cloud", "CN", "myqcloud.com"),
	foreign("huawei", "Huawei Cloud", "CN", "myhuaweicloud.com"),
	foreign("qiniu", "Qiniu", "CN", "qiniucs.com"),
	foreign("chinamobile", "China Mobile", "CN", "cmecloud.cn"),
	foreign("ucloud", "UCloud", "CN", "ufileos.com"),
	foreign("selectel", "Selectel", "RU", "selcloud.ru"),
	foreign("yandex", "Yandex Cloud", "RU", "yandexcloud.net"),
	foreign("arvan", "Arvan Cloud", "IR", "arvanstorage.ir"),
	foreign("liara", "Liara", "IR", "liara.space"),
	foreign("magalu", "Magalu Cloud", "BR", "magaluobjects.com"),
	foreign("rackcorp", "RackCorp", "AU", "rackcorp.com"),
	foreign("bizfly", "Bizfly Cloud", "VN", "bfcplatform.vn"),
}

func foreign(id, company, law string, suffixes ...string) Provider {
	p := Provider{ID: id, Company: company, Law: law, places: map[string]string{}}
	for _, s := range suffixes {
		p.places[s] = ""
	}
	return p
}
