# Each target installs what it needs (tools/bootstrap.py says what and why) and runs it. The rest of the tooling is pytest's.

PYTHON ?= python3
BIN := .venv/bin
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo --preserve-env=LABCORE_ROOT,LABCORE_LANG,CI,PEERS)
.DEFAULT_GOAL := help
.PHONY: help lab test setup bench lint clean

help:  ## list the targets
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: .*## /\t/' | expand -t 10

lab:  ## start a first container, then JupyterLab with the lessons (IP=0.0.0.0 inside a virtual machine)
	@$(PYTHON) tools/bootstrap.py lab
	@$(AS_ROOT) $(BIN)/labcore lab --ip $(or $(IP),127.0.0.1)

test: setup lint  ## run all tests; CI=true or PEERS=1 also installs what they compare with (docker.io, podman, crun, ...)
	@$(AS_ROOT) $(BIN)/python -m pytest $(ARGS)

setup:  ## install what the lab and the tests need, and nothing else
	@$(PYTHON) tools/bootstrap.py test

bench: setup  ## measure labcore and its peers side by side
	@$(AS_ROOT) $(BIN)/labcore bench start $(ARGS)

lint: setup  ## check format, style, types and compiler warnings
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/clang-format --dry-run --Werror csrc/*.c csrc/*.h tests/c/*.c
	@echo "lint: clean"

clean:  ## remove what was built or installed here; the state root and system packages stay
	rm -rf .venv build dist artefacts *.egg-info .pytest_cache .mypy_cache .ruff_cache
	rm -rf labcore/native/_native*.so labcore/native/bin
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
