# One command each: search, test, check, bench. All use .venv, made on first use with the pinned versions.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: search test check bench clean
search: .venv/done
	$(BIN)/nas search

test: .venv/done
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/done
	$(BIN)/python benchmarks/overhead.py --quick
	$(BIN)/python benchmarks/training.py --quick
	$(BIN)/python benchmarks/attention.py --quick
	$(BIN)/python benchmarks/spaces.py --quick
	$(BIN)/python benchmarks/memory.py --quick
	$(BIN)/python benchmarks/strategies.py --quick
	$(BIN)/python benchmarks/suggesting.py --quick
	$(BIN)/python benchmarks/estimates.py --quick
	$(BIN)/python benchmarks/report.py --quick
	$(BIN)/python benchmarks/gpu.py --cpu --quick

.venv/done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch .venv/done

clean:
	rm -rf .venv
