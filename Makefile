# `make demo` and `make test` need nothing done before: they make .venv, install, build and run.
# `make check` is everything CI runs. A second run does only what changed.

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMPS := $(VENV)/stamps
NPM := cd viewer && npm --loglevel=error
PAGE := python/wirespan/viewer/static/index.html
PAGE_TOOLS := viewer/node_modules/.package-lock.json
PAGE_SOURCES := viewer/index.html viewer/vite.config.ts $(shell find viewer/src viewer/public -type f)
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find core receiver binding -name '*.rs' -o -name Cargo.toml)

# pyo3 asks this interpreter for its version in every build, also where nothing is linked to it.
export PYO3_PYTHON := $(BIN)/python
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help build demo test test-rust test-python test-page test-browser interop fuzz check check-rust check-python \
	check-types check-page coverage fix bench docs screenshots clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

build: $(STAMPS)/built $(PAGE) ## The release build, importable in .venv

demo: build ## Traced traffic in this terminal
	wirespan demo

test: test-rust test-python test-page ## All tests but those in a browser

check: check-rust check-python check-types check-page test test-browser coverage ## All that CI runs

# ---- the environment ----------------------------------------------------------------------------------------

$(STAMPS)/python:
	@scripts/check-cargo
	@python=$$(scripts/find-python) && echo "$$python -m venv $(VENV)" && "$$python" -m venv --clear $(VENV)
	python -m pip install --quiet --upgrade 'pip>=25.1'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/installed: $(STAMPS)/python pyproject.toml
	python -m pip install --quiet --group dev
	@touch $@

$(STAMPS)/built: $(STAMPS)/installed $(RUST_SOURCES) pyproject.toml
	@scripts/check-cargo
	@echo 'Compiling the engine takes two to four minutes, once.'
	maturin develop --release --quiet --extras demo,testing,view,wsgi >$(STAMPS)/build.log
	@touch $@

# ---- the viewer's page --------------------------------------------------------------------------------------

$(PAGE_TOOLS): viewer/package.json viewer/package-lock.json
	@scripts/check-node
	$(NPM) ci
	@touch $@

$(PAGE): $(PAGE_TOOLS) $(PAGE_SOURCES)
	@scripts/check-node
	$(NPM) run --silent build -- --logLevel warn
	@touch $@

# ---- tests --------------------------------------------------------------------------------------------------

# The binding has no Rust tests: linking them needs a shared libpython, which many systems lack. Python tests it.
test-rust: $(STAMPS)/python
	@scripts/check-cargo
	cargo test --quiet --workspace --exclude wirespan-binding

test-python: build
	@rm -rf $(VENV)/coverage
	coverage run -m pytest -q

test-page: $(PAGE_TOOLS)
	$(NPM) test --silent

test-browser: build ## The page in Chromium, with a mock of the API and on the real viewer
	@CHROMIUM=$$(scripts/install-chromium) && export CHROMIUM && $(NPM) run --silent test:browser

interop: build ## Against real Collectors, Jaeger, Tempo, ClickHouse, Prometheus; needs Go, builds for minutes
	python -m pip install --quiet --group interop
	pytest -q -m interop

fuzz: ## Parsers, by coverage, a minute each; FUZZ_SECONDS=600 for longer. Needs a C++ compiler
	@scripts/check-cargo
	scripts/fuzz $(or $(FUZZ_SECONDS),60)

coverage: ## What `make test` covered; run that first
	@coverage combine --quiet
	coverage report

# ---- gates --------------------------------------------------------------------------------------------------

check-rust: $(STAMPS)/python
	@scripts/check-cargo
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --quiet --workspace --no-deps --document-private-items
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --log-level error check; \
	else echo "cargo deny: skipped, not installed ('cargo install --locked cargo-deny')"; fi

check-python: $(STAMPS)/installed
	ruff check
	ruff format --check

check-types: build
	mypy
	stubtest wirespan._core

check-page: $(PAGE_TOOLS)
	$(NPM) run --silent check

# ---- upkeep -------------------------------------------------------------------------------------------------

fix: $(STAMPS)/installed ## Format, and repair what the linters can
	cargo fmt --all
	ruff check --fix
	ruff format

bench: build ## Side by side with other servers
	bash bench/setup.sh
	python -m bench.run

docs: build ## Rewrites what the docs take from the code
	python scripts/generate_docs.py

screenshots: build ## The pictures of the README and the docs with the demo's traffic, in docs/images/
	@CHROMIUM=$$(scripts/install-chromium) SCREENSHOTS=$(CURDIR)/docs/images && export CHROMIUM SCREENSHOTS && \
	$(NPM) run --silent test:browser

clean: ## Removes everything that was made
	rm -rf $(VENV) target viewer/node_modules $(dir $(PAGE))
