# Two commands do everything: `make run` opens the app, `make test` checks the project.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
HOST ?= 127.0.0.1
PORT ?= 7860

.PHONY: run test lint types format bench clean help
.DEFAULT_GOAL := help

help:  ## show this text
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Burnish needs Python 3.11 or newer; set PYTHON=python3.12, say."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(STAMP)  ## install if need be, then open the app on http://127.0.0.1:7860
	$(BIN)/burnish serve --host $(HOST) --port $(PORT)

test: $(STAMP) lint types  ## install if need be, then lint, types and tests
	$(BIN)/python -m pytest

lint: $(STAMP)  ## ruff: style and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy
	$(BIN)/mypy

format: $(STAMP)  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## list the benchmarks; run one with: .venv/bin/python -m tests.bench.NAME [DATA]
	@ls tests/bench/*.py | grep -v __init__ | sed -E 's#tests/bench/(.*).py#\1#'

clean:  ## remove caches (the environment and your data stay)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
