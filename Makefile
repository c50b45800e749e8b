# Everything a fresh machine needs: `make demo` and `make test` install it themselves, into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

LOCKS := $(wildcard clients/*/package-lock.json examples/*/package-lock.json tests/*/package-lock.json)
NODE_READY := $(LOCKS:package-lock.json=node_modules/.package-lock.json)

.PHONY: demo test node check gen fresh bench bench-peers fuzz soak clean

demo: .venv/ready  ## a registry on SQLite with the prompts of prompts/, served on http://127.0.0.1:8000
	$(BIN)/promptgraph demo

# What executes GraphQL, once more by strawberry alone, beside all the rest: it takes the second core. PostgreSQL is left
# out here: tests/graph/test_differential.py has both executors answer the same on it.
STANDARD := tests/graph tests/web --ignore=tests/graph/fast --ignore=tests/web/test_browser.py \
	--ignore=tests/graph/test_differential.py -k 'not postgres and not otlp'

test: .venv/ready-dev node  ## every test, on SQLite and on a PostgreSQL that comes as a package; ARGS=… for some
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	@mkdir -p .promptgraph; \
	PROMPTGRAPH_FAST_PATH=off $(BIN)/python -m pytest -q $(STANDARD) >.promptgraph/standard.log 2>&1 & standard=$$!; \
	$(BIN)/python -m pytest; all=$$?; \
	wait $$standard || { cat .promptgraph/standard.log; exit 1; }; \
	echo "With PROMPTGRAPH_FAST_PATH=off: $$(tail -n 1 .promptgraph/standard.log)"; exit $$all
endif

node: $(NODE_READY)  ## the npm packages of clients/, examples/ and tests/

check: .venv/ready-dev  ## format, lint, types, and that nothing generated is stale
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(MAKE) fresh

gen: .venv/ready-dev  ## schema.graphql, schema/, docs/reference/, clients/typescript/src/api.ts
	$(BIN)/python docs/generate.py

fresh: gen  ## fails when something generated was not committed, or the tables differ from the migrations
	git diff --exit-code -- schema.graphql schema docs clients/typescript/src/api.ts
	rm -f .promptgraph/fresh.db*
	PROMPTGRAPH_DATABASE_URL=sqlite:///$(CURDIR)/.promptgraph/fresh.db $(BIN)/promptgraph db upgrade
	PROMPTGRAPH_DATABASE_URL=sqlite:///$(CURDIR)/.promptgraph/fresh.db $(BIN)/promptgraph db check

bench: .venv/ready-dev  ## the table of goals, measured; QUICK=1 needs no peer and two minutes; ARGS=… for its options
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(ARGS)

bench-peers: .venv/ready-dev  ## whom we are measured beside, installed into .bench/
	$(BIN)/python -m bench.peers

soak: .venv/ready-dev node  ## what takes hours: 500,000 made operations by both executors, every fault twenty times
	$(BIN)/python -m pytest -s tests/graph/test_differential.py --operations 250000 --seed "$$(date +%s)" $(ARGS)
	$(BIN)/python -m pytest -m faults --kills 20 $(ARGS)

fuzz: .venv/fuzz/ready .venv/ready-dev  ## a minute of generated operations against a server of its own; ARGS=… for schemathesis
	$(BIN)/python -m bench.fuzz $(CURDIR)/.venv/fuzz/bin/schemathesis $(ARGS)

clean:
	rm -rf .venv .bench .promptgraph $(LOCKS:package-lock.json=node_modules)

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
