# A menu of what can be done here. Each target is an npm script too (bench-stack is bench:stack), for
# machines without make; a test compares the two lists.
SHELL := bash
CATALOG := data/sample-catalog.csv
COMPOSE := docker compose -f docker/compose.yaml

.DEFAULT_GOAL := help
.PHONY: help install build run start test check typecheck lint format format-check mocha \
  test-contract test-stack test-browser demo demo-restore demo-stack bench bench-commands bench-stream-growth \
  bench-freshness bench-rebuild bench-reads bench-import bench-stack schema \
  up down logs ps seed clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-19s %s\n", $$1, $$2 }'

# npm's own record of what it installed is what tells whether the lock file is newer.
node_modules/.package-lock.json: package-lock.json
	npm ci

install: node_modules/.package-lock.json ## Install the dependencies as the lock file says

build: install ## Compile to dist/
	npm run build

run: build ## Start everything in one process; an empty store first gets the sample catalogue
	npm start -- --sample-catalog $(CATALOG)

start: build ## The same without the sample catalogue
	npm start

test: install ## Format, lint, types, import rules and all tests that need no server
	npm test

check: install ## The quick gate: format, types, lint, unit tests
	npm run check

typecheck: install ## Only check the types
	npm run typecheck

lint: install ## Only lint
	npm run lint

mocha: build ## Only the tests that need no server
	npm run mocha

test-contract: install ## The contracts of the ports; with EVENTSTORE_URL=esdb://... on that server too
	npm run test:contract

test-stack: install ## The same promises on real servers: in Docker, else Kafka on Java and FerretDB by Go
	npm run test:stack

test-browser: install ## The pages in Chromium: light, dark, narrow, behind a prefix, axe-core
	npm run test:browser

demo: install ## A load over HTTP, kill -9 in the middle of it, every document compared with the log
	npm run demo -- --kill

demo-restore: install ## An older log under newer documents, found out and mended, step by step
	npm run demo:restore

demo-stack: install ## The distributed service under load, each process killed once, then the audit
	npm run demo:stack

bench: install ## All benchmarks, each beside its limit (takes some 15 minutes)
	npm run bench

bench-commands: install ## Commands per second, CPU and memory beside a server that stores nothing
	npm run bench:commands

bench-stream-growth: install ## What a command costs where its stream has up to a million events
	npm run bench:stream-growth

bench-freshness: install ## From the answer to a command to the query that shows it
	npm run bench:freshness

bench-rebuild: install ## Building the read models from the log
	npm run bench:rebuild

bench-reads: install ## Queries beside a list answered from memory
	npm run bench:reads

bench-import: install ## Importing a catalogue of 25,000 titles in three public forms
	npm run bench:import

bench-stack: install ## The distributed service: catch-up, freshness and memory (takes some 20 minutes)
	npm run bench:stack

schema: install ## Write docs/schema.graphql, the GraphQL schema as a document
	npm run schema

format: install ## Format all files
	npm run format

format-check: install ## Tell the files that are not formatted
	npm run format:check

up: ## Start the distributed stack in Docker: EventStoreDB, Kafka, MongoDB and the four roles
	$(COMPOSE) up --detach --build --wait --wait-timeout 600
	@echo "Command API  http://$$($(COMPOSE) port command-api 8000)/docs"
	@echo "GraphQL      http://$$($(COMPOSE) port query-api 8001)/graphql"
	@echo "Event store  http://$$($(COMPOSE) port eventstoredb 2113)"

down: ## Stop the stack; its data stay for the next `make up`
	$(COMPOSE) down

logs: ## Follow the logs of the stack
	$(COMPOSE) logs --follow --tail 100

ps: ## List the containers of the stack and their health
	$(COMPOSE) ps --all

seed: ## Import the sample catalogue into the stack again; what is unchanged decides nothing
	$(COMPOSE) run --rm command-api import-catalog $(CATALOG)

clean: ## Remove what was built, and the stack WITH ITS DATA where Docker is; .data stays
	rm -rf dist coverage
	@if docker compose ls > /dev/null 2>&1; then \
	  $(COMPOSE) down --volumes --remove-orphans; \
	else \
	  echo 'No Docker here, so there is no stack to remove.'; \
	fi
