.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
PYTEST := .venv/bin/pytest
# One more than there are cores: many tests wait for a server.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Compiled modules are kept inside .venv, whatever the shell says: without them each start compiles for seconds.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/bytecode

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/.installed: requirements/dev.txt sdk/python/pyproject.toml bin/bootstrap
	@bin/bootstrap
	@touch $@

setup: .venv/.installed ## install what the project needs into .venv

run: .venv/.installed ## serve portal, console, endpoints, feed and jobs on 127.0.0.1:8000 (PORT, DATA_DIR)
	@exec $(PYTHON) manage.py serve

demo: .venv/.installed ## tell the whole story against the running server
	@$(PYTHON) -m demo.story

demo-data: .venv/.installed ## print sign-ins, services and agents of the demo
	@$(PYTHON) manage.py demo --json

test: ## everything that must hold before a change lands
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check typescript
	@$(MAKE) --no-print-directory unit browser embedded

check: lint types imports migrations ## what reads the code without running it

unit: .venv/.installed ## all tests but the browser's, on a real PostgreSQL, Redis and nginx of their own
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=20 -m "not browser" --conformance=check

conformance: .venv/.installed ## run the test of every numbered refusal, and write docs/conformance.md
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "refusal or shows" --conformance=write

soak: .venv/.installed ## 100,000 generated calls to every described endpoint (AP_FUZZ_CALLS), long state machines, admission in every order, Spark
	AP_FUZZ_CALLS=$${AP_FUZZ_CALLS:-100000} AP_STATE_EXAMPLES=$${AP_STATE_EXAMPLES:-500} \
		$(PYTEST) -n $(WORKERS) --dist worksteal tests/passport/api/test_fuzz.py \
		tests/passport/revocation/test_state_machine.py tests/passport/exchange/test_state_machine.py
	AP_ADMISSION_RUNS=2000 AP_ADMISSION_FAULTS=200 $(PYTEST) -n $(WORKERS) \
		tests/passport/admission/test_budgets.py tests/passport/admission/test_faults.py
	AP_SOAK=1 $(PYTEST) -n 0 tests/accounts/linkage/test_spark.py

browser: .venv/.installed ## the pages in a real Chromium
	$(PYTEST) -n $(WORKERS) -m browser tests/browser

typescript: .venv/.installed ## the TypeScript SDK: build it and run its tests (Node 20 or newer)
	@PATH="$$(bin/node-folder):$$PATH" && cd sdk/typescript && npm ci && npm run build && npm test

embedded: .venv/.installed ## all apps on the embedded default
	AP_TEST_EMBEDDED=1 $(PYTEST) -n $(WORKERS) --dist worksteal -m "not browser and not services and not stores" \
		tests/foundation tests/accounts tests/attestation tests/passport

test-fast: .venv/.installed ## the tests without browser and server processes
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not browser and not services"

lint: .venv/.installed ## style and likely mistakes
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

fmt: .venv/.installed ## put the code into form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

types: .venv/.installed ## strict types of our packages
	.venv/bin/mypy

imports: .venv/.installed ## the floors of the house
	.venv/bin/lint-imports

migrations: .venv/.installed ## models and migrations agree
	$(PYTHON) manage.py makemigrations --check --dry-run

bench: .venv/.installed ## what the hot paths cost, a peer beside each in the same run
	@for file in benchmarks/*.py; do echo "== $$file"; $(PYTHON) -m "benchmarks.$$(basename $$file .py)" || exit 1; done
	@echo "== benchmarks/hydra"; $(PYTHON) -m benchmarks.hydra
	@echo "== sdk/typescript/benchmarks/verify.ts"; PATH="$$(bin/node-folder):$$PATH" && cd sdk/typescript && npm ci --silent && npm run -s bench

requirements: .venv/.installed ## pin anew what pyproject.toml asks for
	.venv/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.12 --generate-hashes --no-header -q -o requirements/dev.txt
	.venv/bin/uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes --no-header -q -o requirements/production.txt

clean: ## remove what was made here, but for var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles test-results

.PHONY: help setup run demo demo-data test check unit typescript conformance soak browser embedded test-fast lint fmt types imports migrations bench requirements clean
