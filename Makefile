# Everything a fresh machine needs: `make demo` and `make test` install it themselves, into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test check gen fresh bench clean

demo: .venv/ready  ## a registry on SQLite with the prompts of prompts/, served on http://127.0.0.1:8000
	$(BIN)/promptgraph demo

test: .venv/ready-dev  ## every test, on SQLite and on a PostgreSQL that comes as a package
	$(BIN)/python -m pytest $(ARGS)

check: .venv/ready-dev  ## format, lint, types, and that nothing generated is stale
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(MAKE) fresh

gen: .venv/ready-dev  ## schema.graphql, schema/, docs/reference/
	$(BIN)/python docs/generate.py

fresh: gen  ## fails when something generated was not committed, or the tables differ from the migrations
	git diff --exit-code -- schema.graphql schema docs
	PROMPTGRAPH_DATABASE_URL=sqlite:///$(CURDIR)/.promptgraph/fresh.db $(BIN)/promptgraph db upgrade
	PROMPTGRAPH_DATABASE_URL=sqlite:///$(CURDIR)/.promptgraph/fresh.db $(BIN)/promptgraph db check

bench: .venv/ready-dev  ## measured figures, printed; ARGS=… for its options
	$(BIN)/python bench/registry.py $(ARGS)

clean:
	rm -rf .venv .promptgraph

.venv/python: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "promptgraph needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/ready: .venv/python pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

.venv/ready-dev: .venv/ready
	$(PIP) -e '.[dev]'
	@touch $@
