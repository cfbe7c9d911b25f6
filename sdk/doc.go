// Package sdk holds what a plugin author needs: the two ports (source and
// storage), the configuration schema, the error classes and Serve.
//
// A plugin's main is five lines:
//
//	func main() {
//		sdk.Serve(sdk.Plugin{
//			Name: "myfs", Version: "1.0.0",
//			Storage: func(cfg config.Values) (storage.Storage, error) { return open(cfg) },
//		})
//	}
//
// Nothing of RainLogs' own domain (chains, entries, catalogs) is in here: a
// storage keeps objects under keys, a source hands out the records of a
// half-open window. The conformance suites sdk/source/sourcetest and
// sdk/storage/storagetest say in tests what the port comments say in words.
package sdk
