# The only entry points; CI calls the same ones. Each sets up `.venv` first when it has to.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CHART := $(VENV)/.chart
ARCHIVE := dist/syrette.tar
IMAGE_SOURCES := Dockerfile .dockerignore requirements/runtime.txt deploy/image.sh deploy/image_root.py deploy/image_imports.py deploy/image_archive.py $(shell find injector webhook -name '*.py')

.PHONY: help demo demo-vault test e2e dashboard lint coverage bench lock clean docs image image-test manifests

help: ## this text
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements/dev.txt
	@echo "setting up $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit("Syrette needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

$(CHART): $(STAMP) requirements/chart.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/chart.txt
	@touch $(CHART)

demo: $(STAMP) ## the main job, end to end, on this machine
	@$(BIN)/syrette demo

demo-vault: $(STAMP) ## the same on the real OpenBao, with a leased user of a real PostgreSQL
	@$(BIN)/syrette demo --vault

test: $(CHART) ## lint, types, import contracts, every test; under five minutes
	@$(BIN)/python -m tests

# What is missing is said before anything is built.
ifneq ($(filter e2e dashboard,$(MAKECMDGOALS)),)
  ifndef KUBECONFIG
    $(error a cluster is needed, and KUBECONFIG names none; docs/testing.md has the commands for kind and for any other)
  endif
  ifndef LOAD_IMAGE
    $(error LOAD_IMAGE is needed, the command that loads an image archive into the cluster: for kind, LOAD_IMAGE='kind load image-archive')
  endif
  ifeq ($(shell command -v kubectl),)
    $(error kubectl is needed on the PATH)
  endif
endif

e2e: $(CHART) $(ARCHIVE) ## the chart and real pods in the cluster of KUBECONFIG; see docs/testing.md
	@$(BIN)/pytest -vv --capture=no --durations=10 tests/e2e

dashboard: $(CHART) $(ARCHIVE) ## draw docs/dashboard.svg again: two minutes of load in the cluster of KUBECONFIG; needs `prometheus`
	@$(BIN)/python -m tests.e2e.dashboard

$(ARCHIVE): $(IMAGE_SOURCES)
	@ARCHIVE=$@ deploy/image.sh build

lint: $(STAMP) ## the fast half of `make test`
	@$(BIN)/python -m tests --lint

coverage: $(CHART) ## the tests again, with what they do not reach
	@$(BIN)/python -m tests --coverage

bench: $(STAMP) ## benchmarks: a table and a plot, no verdict; `QUICK=1` for three minutes
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

docs: $(STAMP) ## write again the pages that are generated from the code
	@$(BIN)/python -m docs.generate

image: ## build the image into dist/syrette.tar, and measure it (docker, podman or buildah)
	@deploy/image.sh build

image-test: ## the unit tests with the interpreter, the libraries and the code of that image
	@deploy/image.sh test -q -n auto

manifests: $(CHART) ## write deploy/manifests again, from the chart
	@$(BIN)/python -m deploy.render_manifests

lock: ## write the hashed requirements again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --extra dev -o requirements/dev.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade -o requirements/runtime.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade --extra chart -c requirements/runtime.txt -o requirements/chart.txt pyproject.toml

clean: ## remove what the targets made
	rm -rf $(VENV) benchmarks/results .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
