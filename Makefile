# make demo | check | test | repro | app | report: each sets itself up. Needs Python 3.11, 3.12 or 3.13, git and a package index.

SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c '$(SUPPORTED)' 2>/dev/null && echo $(p))))

# Three lists of packages, which differ in TensorFlow: with CUDA; without GPU code, half the download; what every platform has.
GPU := $(shell nvidia-smi -L 2>/dev/null)
CPU := $(findstring Linux x86_64,$(shell uname -sm))
REQUIREMENTS := $(if $(GPU),requirements-gpu.txt,$(if $(CPU),requirements-cpu.txt,requirements.txt))
OTHER_TENSORFLOW := $(if $(filter requirements-cpu.txt,$(REQUIREMENTS)),tensorflow,tensorflow-cpu)
INSTALLED := .venv/$(REQUIREMENTS).installed
JAX_INSTALLED := .venv/requirements-jax.txt.installed
APP_INSTALLED := .venv-app/requirements-app.txt.installed

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo lint check test test-all release-check repro app report setup
.DEFAULT_GOAL := demo

demo: setup  ## the whole pipeline on signs drawn by the project; no download, the workspace stays as it is
	@python -m scripts.demo

# A process more than cores, since some wait for a project or a process of theirs, and four at most, since each holds TensorFlow.
PROCESSES := $(if $(PYTHON),$(shell $(PYTHON) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))'))
PYTEST := python -m pytest -n $(PROCESSES) --dist worksteal

lint: setup
	@ruff check . && ruff format --check . && mypy

check: lint  ## lint, types, and the tests that take milliseconds: 45 seconds
	@$(PYTEST) -m "not seconds and not slow"

test: lint  ## the same and the tests that train and run the pipeline, on drawn signs: 4 minutes
	@$(PYTEST)

test-all: test $(APP_INSTALLED) $(JAX_INSTALLED)  ## the same and what takes longer: a browser, killed processes, JAX
	@$(PYTEST) -m slow

release-check: setup  ## README, docs and model cards against the committed metrics and params
	@python -m pytest tests/release

repro: setup  ## the real benchmark, from GTSRB_DIR or downloaded
	@dvc repro

app: $(APP_INSTALLED)  ## a page at http://127.0.0.1:8501 that names the sign on a picture; 0.8 GB of its own, no TensorFlow
	@.venv-app/bin/python -m streamlit run app/main.py

report: setup  ## what the runs have measured, on one page: report.html
	@python -m scripts.report

setup: $(INSTALLED)

# An environment with the packages of a file: .venv/FILE.installed
define install
	@$(if $(PYTHON),,echo "error: no Python 3.11, 3.12 or 3.13 with venv found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1)
	@echo "setup: $< into $(@D) with $$($(PYTHON) --version); some minutes the first time"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
endef

# The TensorFlows overwrite each other's files: the other list's goes first, and its mark, so that one can change back.
$(INSTALLED): $(REQUIREMENTS)
	@rm -f .venv/*.installed
	@test ! -x .venv/bin/python || .venv/bin/python -m pip uninstall --quiet --quiet --yes $(OTHER_TENSORFLOW)
	$(install)

$(JAX_INSTALLED): requirements-jax.txt $(INSTALLED)
	$(install)

$(APP_INSTALLED): requirements-app.txt
	$(install)
