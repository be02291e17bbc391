# Each target installs what it needs (tools/bootstrap.py says what and why) and runs it. The rest of the tooling is pytest's.

PYTHON ?= python3
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || [ "$(ROOTLESS)" ] || echo sudo --preserve-env=LABCORE_ROOT,LABCORE_LANG,CI,PEERS,LABCORE_VENV,ACCEL,TIME_LIMIT,LESSONS)

# A Python of the user's own would find its own modules in place of the virtual environment's.
unexport PYTHONHOME PYTHONPATH

# In the virtual machine this folder is shared with the host, where no symbolic link can be made; and the lab must listen
# where the machine's forwarded ports arrive.
IN_VAGRANT := $(filter /vagrant,$(CURDIR))
VENV ?= $(if $(IN_VAGRANT),$(HOME)/.labcore-venv,.venv)
IP ?= $(if $(IN_VAGRANT),0.0.0.0,127.0.0.1)
KIT_FILE := $(if $(KIT),"$(KIT)")
# The stock docker command, for lessons 5 to 10. They go on without it, and so does whoever has no network.
CLIENT = $(AS_ROOT) $(BIN)/labcore lesson setup $(if $(KIT),--from $(KIT_FILE)) || \
	echo "labcore: lessons 5 to 10 will do with labcore's own command in the place of docker's"
export LABCORE_VENV := $(VENV)
BIN := $(VENV)/bin
TEST_LIMIT ?= 75m
WORKERS ?= $(shell echo $$(($$(nproc) + 2)))

.DEFAULT_GOAL := help
.PHONY: help lab kit test mutants test-v2 test-kit setup bench lint notebooks clean

help:  ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

lab:  ## start a first container, then JupyterLab with the lessons; KIT=FILE: without a network, from a kit
	@$(PYTHON) tools/bootstrap.py $(if $(KIT),class,lab) $(KIT_FILE)
	@$(if $(KIT),$(AS_ROOT) $(BIN)/labcore seed --from $(KIT_FILE))
	@$(if $(KIT),$(AS_ROOT) $(BIN)/labcore vm setup --from $(KIT_FILE))
	@$(CLIENT)
	@$(AS_ROOT) $(BIN)/labcore lab --ip $(IP)

kit:  ## make a kit, one archive with all that `make lab` fetches, for a class (TO=FILE)
	@$(PYTHON) tools/bootstrap.py lab
	@$(BIN)/python tools/make_kit.py "$(or $(TO),dist/labcore-kit.tar)"

test: setup  ## run all tests, lint among them, WORKERS=N files at once; CI=true or PEERS=1 also makes what they compare with (today's docker, ...)
	@$(AS_ROOT) timeout --foreground --signal=ALRM --kill-after=60 $(TEST_LIMIT) $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

mutants: setup  ## check every mutant of the lessons' solutions, and print for each step what became of them (ARGS: steps, as 1:rootfs)
	@$(AS_ROOT) $(BIN)/python -m tests.mutation $(ARGS)

test-v2: setup  ## run the tests of containers in a virtual machine whose cgroups are version 2 only (ARGS go to pytest)
	@$(AS_ROOT) $(PYTHON) tools/guest.py $(ARGS)

test-vm: setup  ## do what `vagrant up` does in a virtual machine, look at the lab there, and run lessons (LESSONS="1 2")
	@$(AS_ROOT) $(PYTHON) tools/vagrant.py

test-kit: kit  ## make a kit, and try it on a bare Debian without a network
	@$(AS_ROOT) $(PYTHON) tools/bare.py "$(or $(TO),dist/labcore-kit.tar)"

setup:  ## install what the lab and the tests need, and nothing else (FOR=lab: the lab only; FOR=class: and qemu)
	@$(PYTHON) tools/bootstrap.py $(or $(FOR),test) $(KIT_FILE)
	@$(if $(filter lab class,$(FOR)),$(CLIENT))

bench: setup  ## measure labcore and its peers side by side
	@$(AS_ROOT) $(BIN)/labcore bench start $(ARGS)

lint: setup  ## check format, style, types and compiler warnings
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/clang-format --dry-run --Werror csrc/*.c csrc/*.h tests/c/*.c
	@echo "lint: clean"

notebooks: setup  ## make the lessons' notebooks from notebooks/src, in both languages, and run them
	@$(AS_ROOT) $(BIN)/python tools/notebooks.py $(ARGS)

clean:  ## remove what was built or installed here; the state root and system packages stay
	rm -rf $(VENV) build dist artefacts *.egg-info .pytest_cache .mypy_cache .ruff_cache
	rm -rf labcore/native/_native*.so labcore/native/bin
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
