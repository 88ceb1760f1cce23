# Each target makes the environment it needs from nothing; Python 3.11 or later is all that must be there.
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: demo install test test-311 test-313 cover lint format check chaos kill props bench lock clean

demo: $(VENV)/.run  ## the bot at work on a local eloomi and a local Slack, with a page in the browser; PORT=8765
	@exec $(BIN)/python -m bot demo --port $(or $(PORT),8765)

install: $(VENV)/.run  ## what the bot itself needs, into .venv

test: $(VENV)/.dev  ## all tests
	$(BIN)/pytest -n auto

test-311 test-313: test-3%: .venv-3%/.dev  ## all tests on that Python, where it is found
	@if [ -x .venv-3$*/bin/pytest ]; then .venv-3$*/bin/pytest -n auto; else echo "Python 3.$* is not here: not tested on it"; fi

cover: $(VENV)/.dev  ## all tests, and how much of the code they run
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(VENV)/.dev  ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint cover test-311 test-313  ## everything that CI runs

chaos: $(VENV)/.dev  ## 100,000 seeded schedules of faults, in process; SCHEDULES=100000 SEED=1
	@$(BIN)/python -m tests.faults --schedules $(or $(SCHEDULES),100000) --seed $(or $(SEED),1)

kill: $(VENV)/.dev  ## the real process, killed 500 times at random moments; KILLS=500 SEED=1
	@$(BIN)/python -m tests.faults.kill --kills $(or $(KILLS),500) --seed $(or $(SEED),1)

props: $(VENV)/.dev  ## what must always hold, over thousands of random companies; PROPS=5000
	PROPS=$(or $(PROPS),5000) $(BIN)/pytest tests/properties -n auto --timeout 0

bench: $(VENV)/.dev  ## how fast it is, as ratios in one run
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev  ## the requirements anew from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		-c requirements.txt pyproject.toml --group dev -o requirements-dev.txt

clean:
	rm -rf .venv .venv-3* .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and none is found."; exit 1; }
	@$(PYTHON) -m venv $(VENV) && touch $@

$(VENV)/.run: requirements.txt | $(VENV)/.made
	@echo "Installing what the bot needs …" && $(BIN)/python $(PIP) -r requirements.txt && touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.made
	@echo "Installing what the tests need …" && $(BIN)/python $(PIP) -r requirements-dev.txt && touch $@ $(VENV)/.run

.venv-3%/.dev: requirements-dev.txt
	@mkdir -p .venv-3$*
	@python=$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.$*.*/bin/python3 2>/dev/null | tail -n 1); \
	python=$${python:-$$(command -v python3.$*)}; \
	if [ -n "$$python" ] && $$python -c '' 2>/dev/null; then \
		echo "Installing what the tests need, for Python 3.$* …" && $$python -m venv .venv-3$* && \
		.venv-3$*/bin/python $(PIP) -r requirements-dev.txt; fi
	@touch $@
