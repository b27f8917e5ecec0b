# Everything runs in .venv, made from locked and hashed requirements.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
STAMP := .venv/.set-up
KEEP ?= demo
CHAOS ?= --minutes 60 --seed 1

.PHONY: help setup demo test check lint types imports tests chaos bench lock clean

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make .venv with everything that demo, test and bench need

$(STAMP): requirements-dev.lock pyproject.toml
	@scripts/setup
	@touch $@

demo: setup  ## break a sandbox's sync and repair it: the whole loop, with plan.html and report.html in ./demo
	@$(BIN)/remediator demo --keep $(KEEP)

test: setup check  ## set up and check everything: lint, types, import contracts, tests

check: lint types imports tests

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

tests:
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

chaos: setup  ## kill, stop and mislead real processes for an hour: make chaos CHAOS='--minutes 5 --seed 7'
	@$(BIN)/python -m tests.chaos $(CHAOS)

bench: setup  ## measure accuracy and speed, as tables, beside other libraries
	@scripts/setup bench
	@$(BIN)/python -m benchmarks $(BENCH)

lock:  ## lock the dependencies again (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade --python-version 3.11 pyproject.toml --extra dev -o requirements-dev.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 pyproject.toml --extra bench -c requirements-dev.lock -o requirements-bench.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 pyproject.toml --extra postgres -c requirements-dev.lock -o requirements.lock

clean:  ## remove what was made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* demo dist build
