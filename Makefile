# Every target does its own set-up. `make` alone lists them.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := cas pipeline policy targets replay api

.DEFAULT_GOAL := help
.PHONY: help demo test check bench golden docs lock fast live clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/run.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11'; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { [ "$$(id -u)" = 0 ] && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); } \
		|| { echo 'The venv module is missing: apt-get install python3-venv'; exit 2; }
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock 2> >(grep -v '^WARNING: Location' >&2)
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2> >(grep -v '^WARNING: Location' >&2)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock 2> >(grep -v '^WARNING: Location' >&2)
	@touch $@

demo: $(VENV)/run.stamp ## the golden path with real evidence, offline, in under a minute
	@$(BIN)/python examples/demo.py

test: $(VENV)/dev.stamp ## the whole suite, live tests against real engines, registry and Compose included
	@bash tests/live/install.sh
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup

fast: $(VENV)/dev.stamp ## the suite without live components
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m 'not live'

live: $(VENV)/dev.stamp ## only the live tests, those with a registry built for them included
	@bash tests/live/install.sh --all
	@$(BIN)/python -m pytest -q -m live

check: $(VENV)/dev.stamp ## format, lint, types, architecture laws
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/architecture

bench: $(VENV)/dev.stamp ## the table of goals: ours, the peer, the ratio, measured side by side
	@$(BIN)/python -m benchmarks.run

golden: $(VENV)/dev.stamp ## rewrite golden files, then show the difference to review
	@$(BIN)/python -m tests.support.golden
	@git --no-pager diff --stat -- tests/golden docs/reference

docs: $(VENV)/run.stamp ## regenerate docs/reference from the code
	@$(BIN)/python docs/generate.py

lock: ## resolve the dependencies anew, with hashes
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --extra build --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove what the targets made
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
