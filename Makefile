# A menu of what can be done here; the same exists as npm scripts.
SHELL := bash
CATALOG := data/sample-catalog.csv

.DEFAULT_GOAL := help
.PHONY: help install build run test check test-contract demo bench format clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

# npm's own record of what it installed is what tells whether the lock file is newer.
node_modules/.package-lock.json: package-lock.json
	npm ci

install: node_modules/.package-lock.json ## Install the dependencies as the lock file says

build: install ## Compile to dist/
	npm run build

run: build ## Start everything in one process; an empty store first gets the sample catalogue
	npm start -- --sample-catalog $(CATALOG)

test: install ## Format, lint, types, import rules and all tests that need no server
	npm test

check: install ## The quick gate: format, types, lint, unit tests
	npm run check

test-contract: install ## The event store contract, on EVENTSTORE_URL=esdb://... or on the embedded store
	npm run test:contract

demo: install ## A load over HTTP, kill -9 in the middle of it, every document compared with the log
	npm run demo -- --kill

bench: install ## All benchmarks, each beside its limit (takes some 15 minutes)
	npm run bench

format: install ## Format all files
	npm run format

clean: ## Remove what was built; the data in .data stays
	rm -rf dist coverage
