# make demo | check | test | repro | app | site | report | tour: each sets itself up. Needs Python 3.11 to 3.13, git, a package index.

SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHONS := python3 python3.13 python3.12 python3.11
PYTHON := $(or $(PYTHON),$(shell for p in $(PYTHONS); do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done))

# The extra of pyproject.toml with TensorFlow: the one with CUDA, or the CPU's, which on Linux x86-64 is a package of its own.
GPU := $(shell nvidia-smi -L 2>/dev/null | grep '^GPU ')
TENSORFLOW := $(if $(GPU),gpu,cpu)
OTHER_TENSORFLOW := $(if $(GPU),tensorflow-cpu,$(if $(findstring Linux x86_64,$(shell uname -sm)),tensorflow,tensorflow-cpu))
INSTALLED := .venv/$(TENSORFLOW),dev.installed

NODE_MODULES := $(if $(shell command -v npm 2>/dev/null),node_modules/.installed)  # for make site and its tests, and for examples/predict.mjs

export PATH := $(CURDIR)/.venv/bin:$(PATH)
SHELL := bash  # the make of macOS looks up a simple command without a shell in the old PATH

.PHONY: demo lint check test test-slow test-all release-check repro app site report tour help setup
.NOTPARALLEL:  # each uses all cores, and two installations at once would spoil an environment
.DEFAULT_GOAL := demo

demo: setup  ## three short recipes on synthetic signs, from images to test results; no download, the workspace stays as it is
	@python -m scripts.demo

# A process more than cores, since some wait for a project or a process of theirs, and four at most, since each holds TensorFlow.
PROCESSES := $(if $(PYTHON),$(shell $(PYTHON) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))'))
PYTEST := python -m pytest -n $(PROCESSES) --dist worksteal

lint: setup
	@ruff check . && ruff format --check . && mypy

check: lint  ## lint, types, and the tests that take milliseconds: a minute
	@$(PYTEST) -m "not seconds and not slow"

test: lint $(NODE_MODULES)  ## the same and the tests that train and run the pipeline, on drawn signs: 6 minutes
	@$(PYTEST)

test-slow: .venv-app/app.installed $(addprefix .venv/,jax.installed notebook.installed cluster.installed)  ## browser, killed processes, JAX, tour, Dask
	@$(PYTEST) -m slow

test-all: test test-slow  ## all tests

release-check: setup  ## README, docs and model cards against the committed metrics and params
	@$(PYTEST) tests/release

repro: setup  ## the real benchmark, from GTSRB_DIR or downloaded
	@dvc repro

app: .venv-app/app.installed  ## a page at http://127.0.0.1:8501 that names the sign on a picture; 0.8 GB of its own, no TensorFlow
	@.venv-app/bin/python -m streamlit run app/main.py

site: setup $(NODE_MODULES)  ## a page in site/ that names the sign in the visitor's browser, for any host of static files; needs npm
	@python -m scripts.build_site

report: setup  ## what the runs have measured, on one page: report.html
	@python -m scripts.report

tour: .venv/notebook.installed  ## the tutorial's sections in Jupyter, each with the pipeline's own function
	@jupyter lab notebooks/tour.ipynb

help:  ## these lines
	@grep -E '^[a-z-]+:.* ##' Makefile | sed -E 's/:.* ##/:/'

setup: $(INSTALLED)

# An environment with extras of pyproject.toml: ENVIRONMENT/EXTRAS.installed
define install
	@$(if $(PYTHON),,echo "error: no Python 3.11, 3.12 or 3.13 with venv found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1)
	@echo "setup: $(basename $(@F)) into $(@D) with $$($(PYTHON) --version); some minutes the first time"
	@$(@D)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(basename $(@F))]'
	@touch $@
endef

# The TensorFlows overwrite each other's files: the other package goes first, and every mark, so that one can change back.
$(INSTALLED): pyproject.toml constraints.txt
	@rm -f .venv/*.installed
	@! .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m pip uninstall --quiet --quiet --yes $(OTHER_TENSORFLOW)
	$(install)

.venv/jax.installed .venv/notebook.installed .venv/cluster.installed: $(INSTALLED)
	$(install)

node_modules/.installed: package.json package-lock.json
	@npm ci --loglevel error --ignore-scripts --no-audit --no-fund --no-update-notifier && touch $@ || echo "npm cannot install what package.json names: no test of JavaScript"

.venv-app/app.installed: pyproject.toml constraints.txt
	$(install)
