# A menu: each target is the npm script of the same name (test-stack is test:stack), for machines without make.
.DEFAULT_GOAL := help
.PHONY: help install build run start test check typecheck lint format format-check mocha \
  test-contract test-stack test-faults test-browser test-ui mutation demo demo-restore demo-life demo-projections demo-stack bench bench-commands bench-stream-growth bench-users \
  bench-freshness bench-rebuild bench-reads bench-import bench-copy-log bench-writers bench-connections bench-dashboards bench-projections bench-batch bench-protection bench-telemetry bench-offered-load bench-log-size bench-stack soak soak-stack schema client-types docs-dependencies docs-screenshot house \
  up down logs ps seed clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-19s %s\n", $$1, $$2 }'

# npm records here what it installed, so the date of this file shows whether the lock file is newer.
node_modules/.package-lock.json: package-lock.json
	npm ci

install: node_modules/.package-lock.json ## Install the dependencies from the lock file

build: install ## Compile to dist/
	npm run build

run: install ## Build and start everything in one process; an empty store gets the sample catalogue
	npm run run

start: build ## Start everything in one process, without the sample catalogue
	npm run start

test: install ## Format, lint, types, import rules and all tests that need no server
	npm run test

check: install ## The quick gate: format, types, lint, unit tests
	npm run check

typecheck: install ## Only check the types
	npm run typecheck

lint: install ## Only lint
	npm run lint

mocha: build ## Only the tests that need no server
	npm run mocha

test-contract: install ## The port contracts; with EVENTSTORE_URL=esdb://... also on that server
	npm run test:contract

test-stack: install ## The tests on real servers: in Docker, else Kafka on local Java and FerretDB
	npm run test:stack

test-faults: install ## One fault after the other on whole processes, in the long form (about 20 minutes)
	npm run test:faults

test-browser: install ## The pages in Chromium: light, dark, narrow, behind a prefix, axe-core
	npm run test:browser

test-ui: install ## The dashboard in Chromium, on the sample catalogue; screenshots go to SCREENSHOTS
	npm run test:ui

mutation: install ## Put small faults into the code and list those that no test notices; PART=domain for one folder
	npm run mutation

demo: install ## Load over HTTP with a kill -9 halfway; every document is compared with the log
	npm run demo -- --kill

demo-restore: install ## Restore an older log under newer documents, and watch it detected and repaired
	npm run demo:restore

demo-life: install ## Backup, restore, move to another event store, audit, erasure, export and a trace, step by step
	npm run demo:life

demo-projections: install ## Projections, a client's own too, over two kills under load; the audit compares them
	npm run demo:projections

demo-stack: install ## The distributed service under load; each process is killed once, then the audit runs
	npm run demo:stack

bench: install ## All benchmarks, each next to its limit (about 17 minutes)
	npm run bench

bench-commands: install ## Commands per second, CPU and memory, next to a server that stores nothing
	npm run bench:commands

bench-stream-growth: install ## The cost of a command on streams of up to a million events
	npm run bench:stream-growth

bench-users: install ## The cost of a rating on anime with up to 100,000 ratings
	npm run bench:users

bench-freshness: install ## From the response to a command until a query shows it
	npm run bench:freshness

bench-rebuild: install ## Building the read models from the log
	npm run bench:rebuild

bench-reads: install ## Queries, next to a list served from memory
	npm run bench:reads

bench-import: install ## Importing a catalogue of 25,000 titles in three public formats
	npm run bench:import

bench-copy-log: install ## What an event takes on the disk, and how fast a log is copied
	npm run bench:copy-log

bench-writers: install ## One, two and four command APIs on one event store
	npm run bench:writers

bench-connections: install ## 2,000 connections at once, and clients that read no response
	npm run bench:connections

bench-batch: install ## Commands in batches of 100 and 1,000, next to single ones
	npm run bench:batch

bench-protection: install ## What encrypted user ids cost a command
	npm run bench:protection

bench-projections: install ## Projections on the embedded event store, and what they cost commands
	npm run bench:projections

bench-dashboards: install ## What five open dashboards cost the service at 1,000 commands a second
	npm run bench:dashboards

bench-telemetry: install ## What OpenTelemetry costs a command, at 10 and 100 % of the traces
	npm run bench:telemetry

bench-offered-load: install ## Throughput and latency at 25 to 110 % of the highest rate, with pictures
	npm run bench:offered-load

bench-log-size: install ## Disk, memory, restart and rebuild with up to 1,000,000 events and anime (about 20 minutes)
	npm run bench:log-size

bench-stack: install ## The distributed service: catch-up, freshness and memory (about 20 minutes)
	npm run bench:stack

soak: install ## Memory under a steady load for an hour: npm run soak -- --minutes 15 for less
	npm run soak

soak-stack: install ## The same for the four roles on Kafka and a MongoDB server, at 300 commands a second
	npm run soak:stack

schema: install ## Write docs/schema.graphql, the GraphQL schema as a document
	npm run schema

client-types: install ## Write the types of the client from the OpenAPI document and the GraphQL schema
	npm run client:types

docs-dependencies: install ## Draw docs/dependencies.mmd: which folders of src import which
	npm run docs:dependencies

docs-screenshot: install ## Draw docs/images/overview.png from a running service with the sample catalogue
	npm run docs:screenshot

house: install ## Count files, lines, single importers and repeated names in src
	npm run house

format: install ## Format all files
	npm run format

format-check: install ## List the files that are not formatted
	npm run format:check

up: ## Start the distributed stack in Docker: EventStoreDB, Kafka, MongoDB and the four roles
	npm run up

down: ## Stop the stack; its data stays for the next `make up`
	npm run down

logs: ## Follow the logs of the stack
	npm run logs

ps: ## List the containers of the stack and their health
	npm run ps

seed: ## Import the sample catalogue into the stack again; unchanged titles add no event
	npm run seed

clean: ## Remove dist/ and coverage/, and the Docker stack WITH ITS DATA; .data stays
	npm run clean
