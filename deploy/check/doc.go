// Package check holds the tests of what stands in deploy and in goreleaser.yaml,
// by the programs' own libraries: BuildKit's linter, Compose's loader, kustomize and
// Kubernetes' types, nfpm. A module of its own, so that RainLogs' has none of them.
package check
