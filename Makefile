# SPDX-License-Identifier: Apache-2.0
# Everything that a laptop and CI do. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The stamp is newer than the lock when everything is installed. The lock is whole, so nothing is resolved: that would
# look at releases that came out since, and fail on them for want of a hash.
STAMP := $(VENV)/.installed
CLUSTER ?= local
ONCE ?=
CRASH ?=
CORE_TESTS := $(wildcard $(addprefix tests/unit/,machine objects build) tests/unit/cli tests/property tests/golden)
# Tests start operators by the hundred: each would compile all sources again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow unit integration cover lint fmt type contracts verify generate golden machine \
        mutate reliability controlplane crash bench image lock registry browser clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --disable-pip-version-check >/dev/null
	@touch $@

setup: $(STAMP) ## Make .venv with everything from the locks, and .venv/bin/fluxsm

run: $(STAMP) ## Show an instance going to Ready (ONCE=1 ends then; CLUSTER=current uses your kubeconfig)
	@$(BIN)/python -m tools.demo --cluster $(CLUSTER) $(if $(ONCE),--once)

test: lint type contracts verify machine unit integration ## Everything that must be green

unit: $(STAMP) ## Unit, state, golden, contract and property tests, without a control plane
	$(BIN)/python -m pytest -m "not integration and not slow" -n 2 -q

integration: $(STAMP) controlplane ## Tests on real control planes, one of its own for each process
	$(BIN)/python -m pytest -m "integration and not slow" -n 2 --dist loadfile -q

test-slow: $(STAMP) controlplane cover ## What `make test` takes samples of, in full: crashes, disruptions, the image, property tests
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest tests/property tests/contract -m "not integration and not slow" -n 2 -q
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile -q

cover: $(STAMP) ## Branches of the pure core that its own tests do not take; fails when there are more than before
	$(BIN)/python -m pytest -m "not slow" -n 0 -q --cov --cov-report=term $(CORE_TESTS)

lint: $(STAMP) ## Style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

fmt: $(STAMP) ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

type: $(STAMP) ## Types, tests included
	$(BIN)/mypy

contracts: $(STAMP) ## Import directions
	$(BIN)/lint-imports

generate: $(STAMP) ## Write the generated files
	$(BIN)/python -m tools.generate

golden: $(STAMP) ## Write the expected builds of the starter distribution; review the diff
	@$(BIN)/python -m tests.golden

verify: $(STAMP) ## Fail when a generated file is stale
	$(BIN)/python -m tools.generate --check

machine: $(STAMP) ## Check the laws of the state machine in every case
	$(BIN)/fluxsm check-machine

mutate: $(STAMP) ## Delete and redirect each row of the table; a check must fail (minutes)
	$(BIN)/python -m tools.mutate

reliability: $(STAMP) controlplane ## Bring every fault about and note what came of it (many minutes)
	$(BIN)/python -m tools.reliability $(ONLY)

registry: ## Install the OCI registry that tests use (Debian, as root)
	@command -v docker-registry >/dev/null || (apt-get -qq update && apt-get -qq install -y --no-install-recommends docker-registry)

browser: $(STAMP) ## Install what looks at the page in tests: Chromium (Debian, as root) and axe-core (npm)
	@$(BIN)/python -m tests.browser

controlplane: ## Build the test control plane (once per machine)
	@$(PYTHON) -m tests.controlplane build >/dev/null

crash: $(STAMP) controlplane ## A fault at every write, on a real API server (CRASH="--part 1/4" for a part, CRASH=--help)
	$(BIN)/python -m tools.crash $(CRASH)

bench: $(STAMP) controlplane registry ## Requests, time and memory, against the targets
	$(BIN)/python -m bench

image: $(STAMP) ## Build the image; DATA=FOLDER names the official manifests (see tools/image.py for its settings)
	$(BIN)/python -m tools.image

lock: ## Renew the locks (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra verify pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group dev pyproject.toml -o requirements/dev.txt

clean: ## Remove what was built here; the cached control plane stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
