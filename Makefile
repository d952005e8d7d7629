# Every target does its own set-up. Needs only Node (20.19 or newer); what else it needs it says.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

modules := node_modules/.package-lock.json
program := dist/holdfast.js

.PHONY: help install test test-fast test-restic test-prometheus test-packaging test-page test-shells test-zfs lint format bench soak soak-zfs demo demo-zfs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(program) ## the dependencies, and dist/holdfast.js

test: $(program) ## everything: types, lint, tests, and real OpenZFS in emulated machines
	@node_modules/.bin/tsx test/run.ts

test-fast: $(program) ## what needs no machine, within a minute: fewer random worlds than `make test`
	@HOLDFAST_RUNS=$${HOLDFAST_RUNS:-200} node_modules/.bin/tsx test/run.ts fast

test-restic: $(program) ## only what runs on real restic, from the command line on
	@node_modules/.bin/tsx test/run.ts restic

test-prometheus: $(program) ## only what runs on a real Prometheus
	@node_modules/.bin/tsx test/run.ts prometheus

test-packaging: $(program) ## only what is shipped to install it, by systemd's and the shell's own checks
	@node_modules/.bin/tsx test/run.ts packaging

test-shells: $(program) ## only completion, in real shells
	@node_modules/.bin/tsx test/run.ts shells

test-page: $(program) ## only the dashboard, in a real browser
	@node_modules/.bin/tsx test/run.ts page

test-zfs: $(program) ## only what runs on real OpenZFS
	@node_modules/.bin/tsx test/run.ts zfs

lint: $(modules) ## style, types, what nothing uses
	@npm run --silent lint
	@npm run --silent typecheck
	@npm run --silent unused

format: $(modules) ## put every file into the one style
	@npm run --silent format

bench: $(program) ## the benchmarks, as tables
	@node_modules/.bin/tsx bench/run.ts

soak: $(modules) ## a million random worlds, new ones each time; hours
	@HOLDFAST_SEED=$${HOLDFAST_SEED:-$$(date +%s)} HOLDFAST_RUNS=$${HOLDFAST_RUNS:-1000000} node_modules/.bin/vitest run --project fast test/property --testTimeout=86400000

soak-zfs: $(program) ## hundreds of SIGKILLs and cut cables, a hundred thousand files, on real OpenZFS; hours
	@HOLDFAST_FAULTS=$${HOLDFAST_FAULTS:-200} HOLDFAST_FILES=$${HOLDFAST_FILES:-100000} node_modules/.bin/vitest run --project zfs test/scenario/zfs/faults.test.ts test/scenario/zfs/restore-large.test.ts

demo: $(program) ## two directories in a restic repository and its mirror: plan, apply, an empty plan, a file brought back
	@examples/demo/run

demo-zfs: $(program) ## plan, apply, a cut cable and a resume, on real OpenZFS
	@examples/demo-zfs/run

clean: ## what was built here; the machines stay in ~/.cache/holdfast
	rm -rf dist coverage node_modules

$(modules): package.json package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
	  || { echo "Node 20.19 or newer is needed (https://nodejs.org); this is $$(node --version 2> /dev/null || echo none)" >&2; exit 1; }
	npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

$(program): $(modules) $(shell find src schemas scripts tsconfig.json -type f 2> /dev/null)
	npm run --silent build
	@touch $@
