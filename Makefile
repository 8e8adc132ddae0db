# Two commands do everything: `make demo` and `make test`. The rest is for those who change the code.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
LIGHT := .venv-light
INSTALL := install --quiet --disable-pip-version-check
# As many processes as cores, each computing on one.
PYTEST := pytest --numprocesses auto --dist worksteal

# Real data sets, where they lie beside the checkout; anywhere else set FIRSTSIGHT_DATA yourself.
FIRSTSIGHT_DATA ?= $(realpath ../shared/data)
export FIRSTSIGHT_DATA

.PHONY: demo test check format lint types contracts docs light bench clean help

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/ready  ## set up, train on Omniglot, score on unseen alphabets, recognise from one drawing
	$(BIN)/firstsight demo --out demo

test: $(VENV)/ready  ## set up and run every test
	OMP_NUM_THREADS=1 $(BIN)/$(PYTEST)

check: format lint types contracts test docs light  ## everything a change must pass

format: $(VENV)/ready
	$(BIN)/ruff format --check .

lint: $(VENV)/ready
	$(BIN)/ruff check .

types: $(VENV)/ready
	$(BIN)/mypy

contracts: $(VENV)/ready
	$(BIN)/lint-imports

docs: $(VENV)/ready  ## the generated pages and drawings must be what the code says now
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/draw_concepts.py --check

# Recognising must work, and pass its tests, without PyTorch and its friends. The digits come with
# scikit-learn, one of those.
light: $(LIGHT)/ready
	OMP_NUM_THREADS=1 $(LIGHT)/bin/$(PYTEST) --ignore=tests/learning --ignore=tests/data/test_digits.py \
		--ignore=tests/app/http --ignore=tests/app/web

bench: $(VENV)/ready  ## print every figure that the README quotes (long)
	$(BIN)/python benchmarks/run_all.py

clean:
	rm -rf $(VENV) $(LIGHT)

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip $(INSTALL) --constraint constraints.txt --editable '.[train,serve,hub,lite,search,dev]'
	touch $@

$(LIGHT)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip $(INSTALL) --constraint constraints.txt --editable . pytest pytest-xdist hypothesis
	touch $@
