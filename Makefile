# One target a job; `make help` lists them. Go, gcc and make are all it takes:
# Go fetches the modules, and the targets that need other tools build them
# into .tools at the versions below.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The tools' versions, in this place only.
GOLANGCI   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BUF        := github.com/bufbuild/buf/cmd/buf@v1.75.0
SQLC       := github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
PBGO       := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
PBGRPC     := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0
OAPI       := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
FSCK       := github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.15.1
FREEZE     := github.com/charmbracelet/freeze@v0.2.2
VERSITYGW  := github.com/versity/versitygw/cmd/versitygw@v1.8.0

MODULE  := github.com/fabriziosalmi/rainlogs
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X $(MODULE)/cmd/internal/site.Version=$(VERSION) -X main.version=$(VERSION)
PREFIX  ?= /usr/local
TOOLS   := $(CURDIR)/.tools

TESTFLAGS ?=
FUZZTIME  ?= 10s
REQUESTS  ?= 5000
SOAK      ?= 30m
# Packages with goroutines: what the race detector is worth its price for.
RACE      ?= ./sdk/... ./core/... ./plugins/... ./query/... ./cmd/...

# DuckDB's library wants libstdc++ when it is linked. Where gcc came without
# g++ there is only the runtime library, under a name that the linker does not
# look for: lend it one.
ifeq ($(shell uname -s),Linux)
STDCXX := $(foreach l,libstdc++.so libstdc++.a,$(filter /%,$(shell $$(go env CC) -print-file-name=$(l))))
ifeq ($(strip $(STDCXX)),)
STDCXX_RUNTIME := $(filter /%,$(shell $$(go env CC) -print-file-name=libstdc++.so.6))
ifneq ($(STDCXX_RUNTIME),)
$(shell mkdir -p $(TOOLS)/lib && ln -sf $(STDCXX_RUNTIME) $(TOOLS)/lib/libstdc++.so)
export CGO_LDFLAGS := -O2 -g -L$(TOOLS)/lib
endif
endif
endif

.PHONY: help build demo test fuzz-api examples deploy-check s3server crash cluster soak scale load judge race lint fuzz bench bench-query bench-tui screenshots generate verify install release-dry clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: ## bin/rainlogs (cgo, DuckDB inside), bin/rainlogsd and bin/rainlogs-verify (static)
	CGO_ENABLED=1 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rainlogs ./cmd/rainlogs
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rainlogsd ./cmd/rainlogsd
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rainlogs-verify ./cmd/rainlogs-verify

demo: build ## a day of traffic with an incident in it: collected, sealed, verified, queried
	bin/rainlogs demo --no-tui

test: ## the fast tests (TESTFLAGS=… for go test)
	@$(s3server) go test $(TESTFLAGS) ./...

# Modules of their own, which know nothing of RainLogs but its sdk.
examples: ## vet, build and test the example plugins (RAINLOGS_REQUIRE_SSH=1: none may be skipped)
	@for dir in $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod)); do \
		( cd $$dir && go mod tidy -diff >&2 && go vet ./... && CGO_ENABLED=0 go build -trimpath -o /dev/null . && go test $(TESTFLAGS) ./... ) || exit 1; \
	done

# A module of its own as well: BuildKit's, Compose's, Kubernetes' and nfpm's code.
deploy-check: ## Dockerfile, compose, manifests, unit, install.sh, packages (RAINLOGS_REQUIRE_DEPLOY=1: none may be skipped)
	@$(s3server) cd deploy/check && go vet . && go test -count=1 $(TESTFLAGS) .

crash: ## kill the collecting process 200 times at random, under faults
	RAINLOGS_CRASHES=200 go test -run 'TestCrash' -count=1 -timeout 60m -v ./cmd/rainlogs/

cluster: ## three daemons on one PostgreSQL, 200 zones; kills and restarts
	RAINLOGS_ZONES=200 go test -run 'TestCluster' -count=1 -timeout 60m -v ./cmd/rainlogsd/

soak: ## half an hour of faults and kills, then line for line (SOAK=30m)
	RAINLOGS_SOAK=$(SOAK) go test -run 'TestSoak' -count=1 -timeout 0 -v ./cmd/rainlogsd/

scale: ## what a thousand zones on hourly windows cost
	RAINLOGS_SCALE=1000 go test -run 'TestScale' -count=1 -timeout 60m -v ./cmd/rainlogsd/

load: ## 2,000 GETs a second on one core while collecting, 200 downloads of 1 GiB, 1,000 slow clients
	RAINLOGS_LOAD=gets,zstd,gzip,identity,slow go test -run 'TestLoad' -count=1 -timeout 60m -v ./cmd/rainlogsd/

# tool makes the rule of one tool: the file NAME@VERSION says which is there.
define tool
$(TOOLS)/$(notdir $(1)):
	GOBIN=$(TOOLS) go install $(1)
	rm -f $(TOOLS)/$(firstword $(subst @, ,$(notdir $(1))))@*
	touch $$@
endef
$(foreach t,$(GOLANGCI) $(BUF) $(SQLC) $(PBGO) $(PBGRPC) $(OAPI) $(FSCK) $(VERSITYGW) $(FREEZE),$(eval $(call tool,$(t))))
needs = $(foreach t,$(1),$(TOOLS)/$(notdir $(t)))

s3server: $(call needs,$(VERSITYGW)) ## the S3 server that tests start (versitygw)
	@:

# Where it cannot be built, tests that need it are skipped.
ifeq ($(shell uname -s),Linux)
s3server = if $(MAKE) --no-print-directory s3server >&2; then export RAINLOGS_VERSITYGW=$(TOOLS)/versitygw; fi;
endif

judge: $(call needs,$(FSCK)) ## archives judged by other people's programs: tessera's fsck, sha256sum, zstd, Python
	RAINLOGS_FSCK=$(TOOLS)/fsck go test -run 'TestMainJob|TestRealRequests' -count=1 -v ./cmd/rainlogs/

race: ## the fast tests under the race detector (RACE=… for other packages)
	@$(s3server) go test -race $(TESTFLAGS) $(RACE)

lint: $(call needs,$(GOLANGCI)) ## golangci-lint, import rules included
	$(TOOLS)/golangci-lint run --allow-parallel-runners

fuzz: ## every fuzz target for FUZZTIME (10s) each
	@grep -rHoE --include='*_test.go' --exclude-dir='.?*' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:func / /' | sort | \
	while read -r file target; do \
		echo "== $${file%/*} $$target"; \
		go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "$${file%/*}" || exit 1; \
	done

# Another seed: TESTFLAGS=-rapid.seed=8, which is for this package alone.
fuzz-api: ## REQUESTS (5000) to each operation, made of the API's own document; answers judged by it
	RAINLOGS_REQUESTS=$(REQUESTS) go test -run 'FitTheDocument' -count=1 -timeout 0 $(TESTFLAGS) ./core/api/server/

bench-query: build ## questions beside DuckDB by itself over the same objects: a day of 2 GB, 13 months of small ones
	go run ./bench/questions -program bin/rainlogs

bench: build ## sealing, verifying and memory beside the shell's own tools, in the same minutes
	go run ./bench

bench-tui: build ## the workstation in a pseudo-terminal over ten million records: frames, keys, facets, memory
	go run ./bench/workstation -program bin/rainlogs

# What the terminal's own colours are is said: the renderer takes them for black. A font is
# not embedded, and all of these have the width that it counts with.
screenshots: $(call needs,$(FREEZE)) ## docs/img anew, of the demo's incident as tmux shows it
	@shots=$$(mktemp -d); trap 'rm -rf "$$shots"' EXIT; \
	RAINLOGS_REQUIRE_TMUX=1 RAINLOGS_SCREENSHOTS=$$shots go test -count=1 -run TestIncident/120x40 ./cmd/rainlogs && \
	for name in overview session hunt case verified; do \
		sed 's/\x1b\[39m/\x1b[38;2;202;211;245m/g; s/\x1b\[49m/\x1b[48;2;24;25;38m/g; s/\x1b\[0m/\x1b[0m\x1b[38;2;202;211;245m/g' "$$shots/120x40-$$name.ansi" >"$$shots/$$name.ansi"; \
		$(TOOLS)/freeze --language ansi --background '#181926' --padding 12 --font.size 13 --line-height 1.17 \
			--font.family "JetBrains Mono NL, DejaVu Sans Mono, Menlo, Liberation Mono, Courier New, monospace" -o docs/img/$$name.svg "$$shots/$$name.ansi" </dev/null || exit 1; \
	done

generate: $(call needs,$(BUF) $(SQLC) $(PBGO) $(PBGRPC) $(OAPI)) ## generated code, anew
	PATH="$(TOOLS):$$PATH" go generate ./...

verify: lint ## nothing stale, untidy or unformatted
	go vet ./...
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted with gofmt:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	cd deploy/check && go mod tidy -diff
	@state() { git status --porcelain; git diff; }; \
	before=$$(state | git hash-object --stdin); \
	$(MAKE) --no-print-directory generate; \
	if [ "$$before" != "$$(state | git hash-object --stdin)" ]; then \
		echo "generated code is stale: commit what make generate made"; git status --short; exit 1; \
	fi

install: build ## the programs into PREFIX/bin (/usr/local/bin)
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 0755 bin/rainlogs bin/rainlogsd bin/rainlogs-verify "$(DESTDIR)$(PREFIX)/bin"

# goreleaser's own dependencies are many: it is built only where a release is.
$(eval $(call tool,$(GORELEASER)))
release-dry: $(call needs,$(GORELEASER)) ## goreleaser's build for this platform into dist/, nothing published
	$(TOOLS)/goreleaser check
	$(TOOLS)/goreleaser build --snapshot --clean --single-target

clean: ## remove what was built, the tools too
	rm -rf bin dist $(TOOLS)
