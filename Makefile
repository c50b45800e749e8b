# Everything a fresh machine needs: `make demo` and `make test` install it themselves, into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

LOCKS := $(wildcard examples/*/package-lock.json tests/*/package-lock.json)
NODE_READY := $(LOCKS:package-lock.json=node_modules/.package-lock.json)

.PHONY: demo test node check gen fresh bench fuzz clean

demo: .venv/ready  ## a registry on SQLite with the prompts of prompts/, served on http://127.0.0.1:8000
	$(BIN)/promptgraph demo

test: .venv/ready-dev node  ## every test, on SQLite and on a PostgreSQL that comes as a package
	$(BIN)/python -m pytest $(ARGS)

node: $(NODE_READY)  ## the npm packages of examples/ and tests/

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
	rm -f .promptgraph/fresh.db*
	PROMPTGRAPH_DATABASE_URL=sqlite:///$(CURDIR)/.promptgraph/fresh.db $(BIN)/promptgraph db upgrade
	PROMPTGRAPH_DATABASE_URL=sqlite:///$(CURDIR)/.promptgraph/fresh.db $(BIN)/promptgraph db check

bench: .venv/ready-dev  ## measured figures, printed; ARGS=… for its options
	$(BIN)/python bench/registry.py $(ARGS)

fuzz: .venv/fuzz/ready .venv/ready-dev  ## a minute of generated operations against a server of its own; ARGS=… for schemathesis
	$(BIN)/python -m bench.fuzz $(CURDIR)/.venv/fuzz/bin/schemathesis $(ARGS)

clean:
	rm -rf .venv .promptgraph $(LOCKS:package-lock.json=node_modules)

.venv/python: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "promptgraph needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/fuzz/ready: bench/fuzz-requirements.txt | .venv/python
	$(PYTHON) -m venv .venv/fuzz
	.venv/fuzz/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

.venv/ready: .venv/python pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

.venv/ready-dev: .venv/ready
	$(PIP) -e '.[dev]'
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json %/.npmrc | .venv/ready-dev
	$(BIN)/python -m tests.node $*
