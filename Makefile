# The everyday commands. `make help` lists them; CI runs `make check` and `make test`, the same as by hand.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := .build
EXT := vscode-extension
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
SOURCES := $(shell find sidecar -name '*.py' -o -name '*.json' -o -name '*.scm' -o -name '*.toml' -o -path '*/page/*' -type f | sort)

.PHONY: help run test explore test-python test-extension test-journeys check check-python check-extension editor package bench fit lock format docs clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# ── using it ──────────────────────────────────────────────────────────────────────────────────────
run: $(BUILD)/run.stamp ## start the endpoint on this folder (port 8080), with the configured provider or `offline`
	@$(BIN)/sidecar serve $(ARGS)

editor: $(BUILD)/run.stamp $(BUILD)/rig.stamp $(EXT)/dist/claude-sidecar.vsix ## real VS Code in the browser with the extension, on a sample repository with a risky change
	@bash tests/rig/editor.sh

# ── checking it ───────────────────────────────────────────────────────────────────────────────────
check: check-python check-extension ## lint, types, floors, house rules

check-python: $(BUILD)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/house

check-extension: $(EXT)/node_modules/.package-lock.json
	cd $(EXT) && npm run --silent check

test: test-python test-extension test-journeys ## every test: Python, TypeScript, journeys with the real CLI and the real editor

test-python: $(BUILD)/dev.stamp $(BUILD)/redis.stamp
	$(BIN)/pytest -q -n $(WORKERS) -m 'not journey'

explore: $(BUILD)/dev.stamp ## the property tests with new random cases, many of them: what `make test` runs is the same each time
	$(BIN)/pytest -q -n $(WORKERS) -o timeout=3600 --hypothesis-profile=explore $$(grep -rl '^from hypothesis' tests --include='test_*.py')

test-extension: $(EXT)/node_modules/.package-lock.json
	cd $(EXT) && npm test --silent

test-journeys: $(BUILD)/dev.stamp $(BUILD)/rig.stamp $(EXT)/dist/claude-sidecar.vsix
	$(BIN)/pytest -q -m journey tests/journeys

bench: $(BUILD)/dev.stamp ## measure the endpoint beside a plain pass-through in the same run
	$(BIN)/python -m tests.bench.proxy
	$(BIN)/python -m tests.bench.cache
	$(BIN)/python -m tests.bench.tokens
	$(BIN)/python -m tests.bench.index --streams

fit: $(BUILD)/fit.stamp ## fit the risk model again: make fit DATA=folder
	$(BIN)/python -m tests.bench.risk.fit --data $(DATA)

format: $(BUILD)/dev.stamp ## put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# ── building it ───────────────────────────────────────────────────────────────────────────────────
docs: $(BUILD)/dev.stamp ## write docs/tools.md from the registry of tools
	$(BIN)/python -m tests.house.toolsdoc

package: $(EXT)/dist/claude-sidecar.vsix ## the extension as a .vsix, with the server's own wheel inside

$(EXT)/dist/claude-sidecar.vsix: $(BUILD)/wheel.stamp $(EXT)/node_modules/.package-lock.json $(shell find $(EXT)/src $(EXT)/media -type f 2>/dev/null) $(wildcard $(EXT)/package*.json $(EXT)/scripts/*)
	cd $(EXT) && npm run --silent bundle -- ../$(BUILD)/wheel ../.lock/run.lock && npm run --silent package
	@touch $@

$(EXT)/node_modules/.package-lock.json: $(EXT)/package-lock.json
	cd $(EXT) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILD)/wheel.stamp: $(BUILD)/dev.stamp $(SOURCES) pyproject.toml
	@rm -rf $(BUILD)/wheel && mkdir -p $(BUILD)/wheel
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir $(BUILD)/wheel .
	@touch $@

# ── environments: locked with hashes ──────────────────────────────────────────────────────────────
$(BUILD)/venv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Sidecar needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "making a private environment in $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV) || { echo "python -m venv failed; on Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@mkdir -p $(BUILD) && touch $@

$(BUILD)/run.stamp: $(BUILD)/venv.stamp .lock/run.lock .lock/build.lock pyproject.toml
	@[ -e $(BUILD)/dev.stamp ] || $(PIP) install --quiet --require-hashes -r .lock/run.lock -r .lock/build.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BUILD)/dev.stamp: $(BUILD)/venv.stamp .lock/dev.lock pyproject.toml
	@$(PIP) install --quiet --require-hashes -r .lock/dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BUILD)/fit.stamp: $(BUILD)/dev.stamp .lock/fit.lock
	@$(PIP) install --quiet --require-hashes -r .lock/fit.lock
	@touch $@

$(BUILD)/rig.stamp: $(BUILD)/venv.stamp tests/rig/install.sh tests/rig/node-requirements.txt $(wildcard tests/rig/*/package-lock.json)
	@mkdir -p $(BUILD)
	@RIG_PYTHON=$(abspath $(BIN))/python bash tests/rig/install.sh >/dev/null
	@touch $@

$(BUILD)/redis.stamp: tests/rig/redis.sh
	@mkdir -p $(BUILD)
	@bash tests/rig/redis.sh >/dev/null
	@touch $@

lock: $(BUILD)/venv.stamp ## resolve the dependencies again (writes .lock/)
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile -q pyproject.toml $(LOCK_FLAGS) -o .lock/run.lock
	$(BIN)/uv pip compile -q pyproject.toml --group dev $(LOCK_FLAGS) -c .lock/run.lock -o .lock/dev.lock
	$(BIN)/uv pip compile -q .lock/build.in $(LOCK_FLAGS) -c .lock/dev.lock -o .lock/build.lock
	$(BIN)/uv pip compile -q pyproject.toml --group dev --group fit $(LOCK_FLAGS) -c .lock/dev.lock -o .lock/fit.lock
LOCK_FLAGS := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

clean: ## remove what was built here (not the download caches)
	rm -rf $(BUILD) $(VENV) $(EXT)/node_modules $(EXT)/dist $(EXT)/out $(EXT)/bundled
