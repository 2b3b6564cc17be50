# Each target makes what it needs: `make demo` and `make test` both start from a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip compiles one file after another, which takes half of its time, and tests of packages too.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x 'site-packages/.*/tests/' $(VENV)/lib || true
# One process of tests for each core, up to four. A file stays whole, so that its fixtures are made once.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder

.PHONY: demo demo-segmentation test test-all lint bench bench-quick bench-quality clean

demo: $(VENV)/.demo
	$(BIN)/bsngraph search fabrics/digits.dot --data digits --budget macs=25% --out runs/demo --seed 0 --overwrite
	$(BIN)/bsngraph export runs/demo --format python -o runs/demo-python --overwrite
	$(BIN)/bsngraph report runs/demo -o runs/demo/report.html --overwrite

demo-segmentation: $(VENV)/.demo
	$(BIN)/bsngraph search fabrics/scenes.dot --data digit-scenes --budget macs=30% --batch-size 16 \
		--class-weights 0.4,8,8,8,8,8,8,8,8,8,8 --epochs 20 --finetune-epochs 30 --finetune-rate 0.1 --finalists 6 --candidates 16 --out runs/scenes --seed 0 --overwrite
	$(BIN)/bsngraph predict runs/scenes --data digit-scenes --limit 12 -o runs/scenes-painted --overwrite
	$(BIN)/bsngraph report runs/scenes -o runs/scenes/report.html --overwrite

test: lint
	$(BIN)/pytest $(SIDE_BY_SIDE)

test-all: lint
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "" --hypothesis-profile=fresh

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks all

bench-quick: $(VENV)/.test
	$(BIN)/python -m benchmarks all --quick

bench-quality: $(VENV)/.test
	$(BIN)/python -m benchmarks quality
	$(BIN)/python -m benchmarks tables

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bsngraph needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[draw]'
	@$(COMPILE)
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable '.[draw,test]'
	@$(COMPILE)
	@touch $@

clean:
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
