package sdk

import (
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Plugin is what a plugin binary serves: exactly one of Source and Storage.
type Plugin struct {
	Name    string // [a-z][a-z0-9-]{0,31}
	Version string // semantic version of the plugin
	Schema  config.Schema

	// Source opens the source with settings that Schema has checked.
	Source func(config.Values) (source.Source, error)
	// Storage opens the storage with settings that Schema has checked.
	Storage func(config.Values) (storage.Storage, error)
}
