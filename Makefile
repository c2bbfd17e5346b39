# One door. Needs git, make and Python 3.11; `make setup` brings the rest, pinned.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-slow test-spark spark litellm check bench peers paraphrase-peers docs clean
STAMP := .venv/.stillwatch-setup
LITELLM := .venv-litellm/.stillwatch-setup
SPARK := .venv-spark/.stillwatch-setup
PEERS := .venv-peers/.stillwatch-setup
ENCODERS := .venv-paraphrase/.stillwatch-setup
BIN := .venv/bin

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: $(STAMP) ## build .venv from uv.lock (quick when nothing changed)

$(STAMP): uv.lock pyproject.toml scripts/bootstrap.sh scripts/bootstrap-requirements.txt
	@scripts/bootstrap.sh
	@touch $@

demo: $(STAMP) ## make a small world and find the campaigns in it
	$(BIN)/stillwatch demo

test: test-unit test-slow test-spark ## unit layer (under a minute), then the slow layer, then a real Spark

test-unit: $(STAMP)
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(STAMP)
	@$(MAKE) --no-print-directory litellm || echo "no LiteLLM: the tests with a real proxy are skipped" >&2
	$(BIN)/pytest -n 2 --dist worksteal -m "slow and not spark" -rs --durations 12 || [ $$? -eq 5 ]  # 5: pytest selected no test

test-spark: ## both engines side by side: a standalone Spark master and workers on loopback (needs Java 17)
	@if command -v java >/dev/null; then $(MAKE) --no-print-directory spark; else \
	  echo "no Java: the tests with a real Spark are skipped (on Debian: apt-get install openjdk-17-jre-headless)" >&2; fi
	@if command -v java >/dev/null; then .venv-spark/bin/pytest -m spark -rs tests/spark; fi

spark: $(SPARK) ## build .venv-spark, the environment with the extra `spark`

$(SPARK): uv.lock pyproject.toml | $(STAMP)
	@UV_PROJECT_ENVIRONMENT=.venv-spark .uv/bin/uv sync --frozen --extra spark --quiet --no-python-downloads --python $(BIN)/python
	@touch $@

litellm: $(LITELLM) ## build .venv-litellm, the proxy that tests/real starts (test-slow does it)

$(LITELLM): tests/real/litellm-requirements.txt | $(STAMP)
	@.uv/bin/uv venv --quiet --clear --no-python-downloads --python $(BIN)/python .venv-litellm
	@.uv/bin/uv pip install --quiet --python .venv-litellm --require-hashes --only-binary :all: --no-deps -r $<
	@touch $@

check: $(STAMP) ## lint, format, types, floors, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_docs.py

bench: $(STAMP) ## run every script in benchmarks/
	@shopt -s nullglob; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

peers: $(PEERS) ## build .venv-peers, the libraries that benchmarks/peers.py measures ours beside

$(PEERS): benchmarks/peers-requirements.txt | $(STAMP)
	@.uv/bin/uv venv --quiet --clear --no-python-downloads --python $(BIN)/python .venv-peers
	@.uv/bin/uv pip install --quiet --python .venv-peers --require-hashes --only-binary :all: --no-deps -r $<
	@touch $@

paraphrase-peers: $(ENCODERS) ## build .venv-paraphrase, the sentence encoders of benchmarks/paraphrase.py

$(ENCODERS): benchmarks/paraphrase-requirements.txt | $(STAMP)
	@.uv/bin/uv venv --quiet --clear --no-python-downloads --python $(BIN)/python .venv-paraphrase
	@.uv/bin/uv pip install --quiet --python .venv-paraphrase --require-hashes --only-binary :all: --no-deps -r $<
	@touch $@

docs: $(STAMP) ## check that every link in the docs leads somewhere and every command has its example
	$(BIN)/python scripts/check_docs.py

clean: ## remove what make has built
	rm -rf .venv .venv-litellm .venv-peers .venv-paraphrase .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist demo-out
