# One target a job; `make help` lists them. Go, gcc and make are all it takes.

MODULE   := github.com/fabriziosalmi/rainlogs
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X $(MODULE)/cmd/internal/cli.Version=$(VERSION) -X main.version=$(VERSION)
TOOLS    := $(CURDIR)/.tools
FUZZTIME ?= 10s
# Packages whose goroutines are worth the race detector's price.
RACE     ?= ./sdk/... ./core/... ./plugins/... ./query/dataset/... ./cmd/...

# The tools' versions, in this place only.
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BUF      := github.com/bufbuild/buf/cmd/buf@v1.75.0
SQLC     := github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
PBGO     := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
PBGRPC   := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0

.PHONY: help build demo test crash race lint fuzz bench generate verify clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/rainlogs (cgo, DuckDB inside) and bin/rainlogs-verify (static)
	CGO_ENABLED=1 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rainlogs ./cmd/rainlogs
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rainlogs-verify ./cmd/rainlogs-verify

demo: build ## a day of traffic with an incident in it: collected, sealed, verified, queried
	bin/rainlogs demo --no-tui

test: ## the fast tests
	go test ./...

crash: ## kill the collecting process 200 times at random, under faults
	RAINLOGS_CRASHES=200 go test -run 'TestCrash' -count=1 -timeout 60m -v ./cmd/rainlogs/

race: ## the fast tests under the race detector
	go test -race $(RACE)

lint: $(TOOLS)/golangci-lint ## golangci-lint with the import rules
	$(TOOLS)/golangci-lint run

fuzz: ## every fuzz target for FUZZTIME each
	@set -e; for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz' || true); do \
	    echo "== $$p $$f"; go test -run xxx -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; \
	  done; done

bench: build ## sealing, verifying and memory beside the shell's own tools, in the same minutes
	go run ./bench

generate: $(TOOLS)/buf $(TOOLS)/sqlc $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc ## generated code, anew
	PATH="$(TOOLS):$$PATH" go generate ./...

verify: generate lint ## nothing stale, untidy or unformatted
	go mod tidy -diff
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	git diff --exit-code

clean: ## remove what was built
	rm -rf bin

$(TOOLS)/golangci-lint: Makefile
	GOBIN=$(TOOLS) go install $(GOLANGCI) && touch $@
$(TOOLS)/buf: Makefile
	GOBIN=$(TOOLS) go install $(BUF) && touch $@
$(TOOLS)/sqlc: Makefile
	GOBIN=$(TOOLS) go install $(SQLC) && touch $@
$(TOOLS)/protoc-gen-go: Makefile
	GOBIN=$(TOOLS) go install $(PBGO) && touch $@
$(TOOLS)/protoc-gen-go-grpc: Makefile
	GOBIN=$(TOOLS) go install $(PBGRPC) && touch $@
