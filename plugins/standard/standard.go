// Package standard lists the plugins that come with RainLogs. They run like
// any third party's: the host starts its own binary again as
// `plugin-serve KIND NAME`, and that command serves what Find returns.
package standard

import (
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/s3"
	"github.com/fabriziosalmi/rainlogs/sdk"
)

// Plugins returns all of them.
func Plugins() []sdk.Plugin {
	return []sdk.Plugin{
		logpull.Plugin(),
		fs.Plugin(),
		s3.Plugin(),
	}
}

// Find returns the plugin of a kind ("source", "storage") and name.
func Find(kind, name string) (sdk.Plugin, bool) {
	for _, p := range Plugins() {
		if p.Kind() == kind && p.Name == name {
			return p, true
		}
	}
	return sdk.Plugin{}, false
}
