# Prozvon's commands. `make` alone lists them.
#
# PYTHON=python3.12 chooses the interpreter (3.11 or newer) of the environment, ARGS="..." is
# passed on to the program (run) or to pytest (test). PROZVON_ASTERISK_MIRROR names the Debian
# mirror that Asterisk is fetched from where none is installed. WORKERS=0 runs tests one by one.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3
ARGS ?=
# Tests wait for telephones most of the time: more workers than cores are fine.
WORKERS ?= 3
BIN := .venv/bin
STAMP := .venv/.set-up
# Named because .gitignore counts only inside a git checkout.
NOT_OURS := --extend-exclude .cache,var
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help setup run test check format dashboards bench clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create the environment, get Asterisk and the browser phone's library; done first by all
	@$(BIN)/python -m dialer.asterisk.packages .cache/asterisk
	@$(BIN)/python -m dialer.http.web_build .cache

run: setup ## the whole system on this machine: simulated carrier, operators, a sample list
	@$(BIN)/prozvon demo --endless $(ARGS)

test: setup ## all tests, against a real Asterisk, a real PostgreSQL and a real browser
	@$(require_browser)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(STAMP) ## style and types
	@$(BIN)/ruff check $(NOT_OURS)
	@$(BIN)/ruff format --check $(NOT_OURS)
	@$(BIN)/mypy

format: $(STAMP) ## put the code into the house's format
	@$(BIN)/ruff check --fix $(NOT_OURS)
	@$(BIN)/ruff format $(NOT_OURS)

dashboards: $(STAMP) ## make Grafana's dashboards anew from monitoring/grafana
	@$(BIN)/python -m monitoring.grafana.build

bench: setup ## figures that are claimed, measured shortly; FULL=1: whole (hours), into docs/reference
	@for script in bench/[!_]*.py; do echo "== $$script"; \
	    $(BIN)/python "$$script" $(if $(FULL),--full); done

clean: ## remove the environment and all that was fetched or cached; data in var/ stays
	@rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp is the last thing written, so an interrupted set-up is done again.
$(STAMP): pyproject.toml
	@$(require_python)
	@[ -x $(BIN)/python ] && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	    echo "==> Creating the environment in .venv"; $(PYTHON) -m venv --clear .venv; }
	@echo "==> Installing Prozvon and its libraries into .venv"
	@$(PIP) install --quiet -e '.[dev]' || { \
	    echo "The libraries could not be installed (see above). Check the network and pip's"; \
	    echo "settings (a proxy or an own index: PIP_INDEX_URL), then run make again."; \
	    exit 1; } >&2
	@touch $@

# Tests of browser phones want a real one. Debian's is installed by root; others are told how.
define require_browser
command -v chromium chromium-browser google-chrome >/dev/null || { \
    if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
        echo "There is no Chromium, which tests of browser phones need. Install it, then make again:" >&2; \
        echo "    sudo apt-get install chromium" >&2; exit 1; \
    fi; \
    echo "==> Installing Chromium for the tests"; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get -q update >/dev/null; \
    apt-get -q -y --no-install-recommends install chromium >/dev/null; }
endef

# Debian keeps the part of Python that makes environments in a package of its own; it is installed
# only for Debian's own Python, by root, and never for an interpreter that was chosen by name.
define require_python
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
    found="$$(readlink -f "$$(command -v $(PYTHON) || echo /usr/bin/python3)")"; \
    if [[ "$(PYTHON) $$found" != "python3 /usr/bin/python3"* ]] || ! command -v apt-get >/dev/null; then \
        echo "$(PYTHON) is missing, or has no venv and ensurepip. Install Python 3.11 or newer" \
             "with both, or name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; \
    elif [ "$$(id -u)" != 0 ]; then \
        echo "Python's environments are not installed. Run this, then make again:" >&2; \
        echo "    sudo apt-get install python3 python3-venv" >&2; exit 1; \
    else \
        echo "==> Installing python3-venv"; \
        export DEBIAN_FRONTEND=noninteractive; \
        apt-get -q update >/dev/null; \
        apt-get -q -y --no-install-recommends install python3 python3-venv >/dev/null; \
    fi; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "Prozvon needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V)." \
         "Name a newer one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
endef
