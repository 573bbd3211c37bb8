# Everything from nothing: Python 3.11+, git and make are all that this needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo demo-netbox test lint bench netbox install clean

install: $(READY)

# Installed once; again only when the pinned requirements or the packaging change, so a second run needs no network.
$(READY): .ci/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "infratrack needs Python 3.11 or newer; call make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $(READY)

demo: $(READY)
	$(BIN)/infratrack demo

# The same with a NetBox of its own, which is made to agree as well.
demo-netbox: $(READY)
	@$(BIN)/python -m tests.netbox_server -- $(BIN)/infratrack demo

# The NetBox to test against is made before the tests, so that the minutes of the first time are seen to pass.
test: $(READY)
	$(BIN)/python -m tests.netbox_server --build-only --optional
	$(BIN)/python -m pytest -n 2 --dist worksteal

# A real NetBox on loopback until ^C, with an empty database; PORT=8000 chooses its port.
netbox: $(READY)
	@$(BIN)/python -m tests.netbox_server $(if $(PORT),--port $(PORT))

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python tests/benchmarks/bench.py

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
