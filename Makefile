# Two commands do everything: `make run` opens the app, `make test` checks the project.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
HOST ?= 127.0.0.1
PORT ?= 7860
# More for `burnish serve`, such as --auth users.json
OPTIONS ?=
# vLLM lives in environments of its own: its pins conflict with the app's.
VLLM := .venv-vllm
VLLM_GPU := .venv-vllm-gpu
VLLM_STAMP := $(VLLM)/.installed
VLLM_GPU_STAMP := $(VLLM_GPU)/.installed
MODEL ?= Qwen/Qwen3-VL-8B-Instruct
LLM_PORT ?= 8000

.PHONY: run test test-vllm vllm serve-llm serve-planner lint types format bench clean help
.DEFAULT_GOAL := help

help:  ## show this text
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Burnish needs Python 3.11 or newer; set PYTHON=python3.12, say."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(STAMP)  ## install if need be, then open the app on http://127.0.0.1:7860
	$(BIN)/burnish serve --host $(HOST) --port $(PORT) $(OPTIONS)

test: $(STAMP) lint types  ## install if need be, then lint, types and tests
	$(BIN)/python -m pytest --ignore=tests/vllm

vllm: $(VLLM_STAMP)  ## make .venv-vllm: vLLM for a CPU (Linux, x86-64; 3.5 GB)

$(VLLM_STAMP): serving/cpu.txt serving/cpu-constraints.txt serving/fit_cpu.py
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -c serving/cpu-constraints.txt -r serving/cpu.txt
	$(VLLM)/bin/python -m pip uninstall --quiet -y torchaudio torchcodec
	$(VLLM)/bin/python serving/fit_cpu.py
	@touch $@

test-vllm: $(STAMP) $(VLLM_STAMP)  ## the served planner against real vLLM servers on the CPU (some minutes)
	$(BIN)/python -m pytest tests/vllm

$(VLLM_GPU_STAMP): serving/gpu.txt
	@test -x $(VLLM_GPU)/bin/python || $(PYTHON) -m venv $(VLLM_GPU)
	$(VLLM_GPU)/bin/python -m pip install --quiet --disable-pip-version-check -r serving/gpu.txt
	@touch $@

serve-llm:  ## with a GPU: serve MODEL=hub id or folder with vLLM on LLM_PORT=8000
	@command -v nvidia-smi >/dev/null || { echo "No NVIDIA GPU here. 'make serve-planner' serves Burnish's own small model on the CPU."; exit 1; }
	@$(MAKE) --no-print-directory $(VLLM_GPU_STAMP)
	$(VLLM_GPU)/bin/python serving/serve.py $(MODEL) --port $(LLM_PORT)

serve-planner: $(VLLM_STAMP)  ## serve Burnish's own planner model with vLLM on the CPU, on LLM_PORT=8000
	$(VLLM)/bin/python serving/serve.py models/weights/planner --cpu --port $(LLM_PORT)

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

screenshots: $(STAMP)  ## every page and state of the app into docs/screenshots (needs Chromium)
	$(BIN)/python -m tests.screenshots docs/screenshots --best docs

clean:  ## remove caches (the environment and your data stay)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
