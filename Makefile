# Two commands matter: `make book` and `make test`. Both make the environment first.
# Written for GNU make 3.81 (macOS) and POSIX sh: nothing newer is used.

SHELL := /bin/sh

# Where the tools are. `make book BIN=` uses those of the environment that is active (conda, for one).
BIN := .venv/bin/
# The Python that makes .venv; found by itself when empty. `make book PYTHON=/path/to/python3.12` overrides.
PYTHON :=
PYTEST_ARGS :=
BENCH_ARGS :=

ifeq ($(BIN),.venv/bin/)
ENVIRONMENT := .venv/.installed
# An environment cannot move. Its stamp holds the folder it was made in: in a moved or copied checkout it is made again.
ifneq ($(shell cat .venv/.installed 2>/dev/null),$(CURDIR))
STALE := $(shell rm -f .venv/.installed)
endif
else
ENVIRONMENT :=
endif

# The kernels of this environment come first; figures are drawn inline, whatever the shell says.
export JUPYTER_PREFER_ENV_PATH := 1
unexport MPLBACKEND

# Runs of chapters that are made while building or testing go to a folder that is thrown away. They need no GPU, and on
# one they would fetch photographs first.
SMOKE = CINCGAN_PRESET=smoke CINCGAN_STATIC=1 CUDA_VISIBLE_DEVICES=

.PHONY: help book test test-full test-colab test-gpu lint bench sync assignments address publish-check release-zip clean
.DEFAULT_GOAL := help

help:
	@echo 'make book           install into .venv, run the chapters, build _build/html/index.html'
	@echo 'make test           install into .venv, check the code, run the tests and every notebook'
	@echo 'make test-full      the long tests: browser, built site, long training'
	@echo 'make test-colab     the chapters and live views with the versions of Colab, but for Python and torch'
	@echo 'make test-gpu       on a machine with a GPU: its tests, then every notebook as it is, at the preset colab'
	@echo 'make lint           ruff and mypy alone'
	@echo 'make bench          speed and memory, under five minutes; BENCH_ARGS="--results book/results" records them'
	@echo 'make sync           bring notebooks/*.md and *.ipynb together and strip outputs'
	@echo 'make assignments    student and solution notebooks, and pages, from assignments/*.md'
	@echo 'make address        copy the public address from _config.yml to all places that need it'
	@echo 'make publish-check  say what still has to be set before publishing'
	@echo 'make release-zip    the built book as one zip, for reading without a network'
	@echo 'make clean          remove _build and caches (not .venv, not runs)'
	@echo
	@echo 'PYTHON=...  the Python (3.11 or newer) that makes .venv'
	@echo 'BIN=        (empty) use the active environment instead of .venv'

# A first install, or one that was interrupted (no stamp), starts from an empty .venv; a changed list of packages is
# installed over the old one.
.venv/.installed: pyproject.toml constraints.txt
	@set -e; \
	if [ -f $@ ] && .venv/bin/python -c '' 2>/dev/null; then \
	  rm -f $@; \
	  echo 'Updating .venv ...'; \
	else \
	  rm -f $@; \
	  check='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, LIMIT))'; \
	  tested=`echo "$$check" | sed 's/LIMIT/14/'`; newer=`echo "$$check" | sed 's/LIMIT/99/'`; \
	  found=''; \
	  if [ -n '$(PYTHON)' ]; then \
	    if '$(PYTHON)' -c "$$newer" 2>/dev/null; then found='$(PYTHON)'; fi; \
	    tried='$(PYTHON)'; \
	  else \
	    tried='python3 python3.13 python3.12 python3.11'; \
	    for name in $$tried; do \
	      if [ -z "$$found" ] && $$name -c "$$tested" 2>/dev/null; then found=$$name; fi; \
	    done; \
	    if [ -z "$$found" ] && python3 -c "$$newer" 2>/dev/null; then \
	      found=python3; \
	      echo 'Note: this Python is newer than 3.13, the newest that the pinned versions were tried with.'; \
	    fi; \
	  fi; \
	  if [ -z "$$found" ]; then \
	    echo 'No fitting Python. Needed: 3.11 or newer with the modules venv and ensurepip. Found:' >&2; \
	    for name in $$tried; do \
	      if command -v $$name >/dev/null 2>&1; then \
	        echo "  $$name: `$$name -c 'import sys; print(sys.version.split()[0])' 2>&1 | tail -n 1`" >&2; \
	        $$name -c 'import venv, ensurepip' 2>/dev/null \
	          || echo "    without venv or ensurepip (Debian, Ubuntu: install the package python3-venv)" >&2; \
	      else \
	        echo "  $$name: not there" >&2; \
	      fi; \
	    done; \
	    echo 'Install one of them, or name yours: make PYTHON=/path/to/python3.12 ...' >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv with `"$$found" --version` (the first time this downloads a lot: see README.md) ..."; \
	  "$$found" -m venv --clear .venv; \
	fi; \
	.venv/bin/python -m pip install -c constraints.txt -e '.[book,test]'; \
	printf '%s\n' '$(CURDIR)' > $@; \
	echo 'The environment is ready.'

# No page may show an output of an earlier library, so nothing of an earlier build is used again. A failed build
# leaves no index.html.
book: $(ENVIRONMENT)
	@rm -rf _build/html _build/.doctrees _build/jupyter_execute _build/runs/book
	$(SMOKE) CINCGAN_RUNS='$(CURDIR)/_build/runs/book' \
	  $(BIN)jupyter-book build . --all -W --keep-going -n \
	  || { rm -f _build/html/index.html; \
	       find _build/html/reports -name '*.err.log' -exec tail -n 25 {} \; 2>/dev/null; exit 1; }
	@rm -rf _build/runs/book
	@echo
	@echo 'The book is here: $(CURDIR)/_build/html/index.html'

lint: $(ENVIRONMENT)
	$(BIN)python -m ruff check .
	$(BIN)python -m ruff format --check .
	$(BIN)python -m mypy

test: lint
	@rm -rf _build/runs/test
	$(SMOKE) CINCGAN_RUNS='$(CURDIR)/_build/runs/test' MPLBACKEND=Agg \
	  $(BIN)python -m pytest tests -m 'not slow' $(PYTEST_ARGS)
	@rm -rf _build/runs/test
	$(SMOKE) CINCGAN_RUNS='$(CURDIR)/_build/runs/test' \
	  $(BIN)python -m pytest --nbmake --nbmake-timeout=120 notebooks $(PYTEST_ARGS)
	@rm -rf _build/runs/test

# The tests of the built site use _build/html where it is newer than its sources, and build it where it is not.
test-full: $(ENVIRONMENT)
	@rm -rf _build/runs/test
	$(SMOKE) CINCGAN_RUNS='$(CURDIR)/_build/runs/test' MPLBACKEND=Agg \
	  $(BIN)python -m pytest tests -m slow $(PYTEST_ARGS)
	@rm -rf _build/runs/test

# The chapters and their live views with the versions that Colab has, in an environment of its own.
test-colab: $(ENVIRONMENT)
	$(BIN)python -m venv --clear _build/colab
	_build/colab/bin/python -m pip install -c constraints-colab.txt -e '.[test]' ipython ipykernel
	@rm -rf _build/runs/colab
	$(SMOKE) CINCGAN_RUNS='$(CURDIR)/_build/runs/colab' \
	  _build/colab/bin/python -m pytest --nbmake --nbmake-timeout=120 notebooks $(PYTEST_ARGS)
	MPLBACKEND=Agg _build/colab/bin/python -m pytest tests/unit tests/experiments/test_widgets.py \
	  tests/experiments/test_live_kernel.py -W ignore::DeprecationWarning $(PYTEST_ARGS)
	@rm -rf _build/runs/colab

# All other tests hide a GPU from themselves. The notebooks are run as a reader would: they fetch photographs (tens of
# megabytes) and train the complete model, one after the other.
test-gpu: $(ENVIRONMENT)
	$(BIN)python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "torch finds no GPU here.")'
	CINCGAN_TEST_GPU=1 MPLBACKEND=Agg $(BIN)python -m pytest tests -m gpu -n0 $(PYTEST_ARGS)
	@rm -rf _build/runs/gpu
	CINCGAN_PRESET=colab CINCGAN_STATIC=1 CINCGAN_RUNS='$(CURDIR)/_build/runs/gpu' \
	  $(BIN)python -m pytest --nbmake --nbmake-timeout=7200 --durations=0 -n0 notebooks $(PYTEST_ARGS)

# The .md is the source, but --sync also takes a newer .ipynb back into its .md.
sync: $(ENVIRONMENT)
	$(BIN)python -m jupytext --sync notebooks/*.md
	$(BIN)python -m nbstripout notebooks/*.ipynb

# Student notebooks and pages are kept in git; solutions are written to assignments/solution, which is not.
assignments: $(ENVIRONMENT)
	$(BIN)python assignments/make.py

# All figures are ratios within one run; nothing else should be running.
bench: $(ENVIRONMENT)
	$(BIN)python benchmarks/bench.py $(BENCH_ARGS)

address: $(ENVIRONMENT)
	$(BIN)python book/_ext/public_address.py write
	$(BIN)python assignments/make.py

publish-check: $(ENVIRONMENT)
	$(BIN)python book/_ext/public_address.py check

# What `make book` built, as it is.
release-zip: $(ENVIRONMENT)
	$(BIN)python book/_ext/release_zip.py

clean:
	rm -rf _build build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find cincgan_tutorial tests book notebooks -name __pycache__ -type d -prune -exec rm -rf {} +
