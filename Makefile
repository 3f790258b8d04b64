# make docs   the site, in docs/_build/html        make test   the tests
#
# Each target makes the virtual environment that it needs, from the locked versions in
# requirements/, and again when the lock changes. Needed: make and Python 3.11 or newer with
# pip and venv. Another Python: make test PYTHON=python3.13

PYTHON ?= python3
# More options for installing torch in `make peers`, such as --index-url of its CPU builds.
TORCH_FLAGS ?=

# The browser of `make browser`.
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM

export PIP_DISABLE_PIP_VERSION_CHECK := 1

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help docs site test check derive verify lint types peers distributed bench browser cheat-sheet lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------- environments

SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11) and \
	"Python 3.11 or newer is needed; name one: make PYTHON=python3.13")

# $(call environment,LOCK,OPTIONS) makes the environment of the target afresh. A lock names every
# package, so that nothing is resolved again.
define environment
	@$(PYTHON) -c '$(SUPPORTED)'
	@echo "Installing the versions of requirements/$(1).txt into $(@D)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --require-hashes --no-deps $(2) -r requirements/$(1).txt
endef

.venv/.locked: requirements/test.txt
	$(call environment,test)
	@touch $@

# Of what stands here a third is imported: compiling that at the first import takes less.
.venv-docs/.locked: requirements/docs.txt
	$(call environment,docs,--no-compile)
	@touch $@

.venv-browser/.locked: requirements/browser.txt
	$(call environment,browser)
	@touch $@

.venv-peers/.locked: requirements/peers.txt requirements/torch.txt
	$(call environment,peers)
	@$(@D)/bin/python -m pip install --quiet --no-deps $(TORCH_FLAGS) -r requirements/torch.txt
	@touch $@

# The project itself, in place. Nothing is fetched: its build tool is in the lock.
%/.ready: %/.locked pyproject.toml
	@$(@D)/bin/python -m pip install --quiet --no-deps --no-index --no-build-isolation --editable .
	@touch $@

# ------------------------------------------------------------ derive and check

derive: .venv/.ready ## derive every formula anew, into docs/downloads
	.venv/bin/python -m derivations export --out docs/downloads

verify: .venv/.ready ## prove every statement that changed since it was proved
	.venv/bin/python -m derivations verify --out build
	.venv/bin/python -m derivations.note.errata --out build

check: .venv/.ready ## what one statement needs: make check ID=logistic.nll_gradient
	.venv/bin/python -m derivations verify --out build $(ID)
	.venv/bin/python -m pytest -q tests/test_$(word 1,$(subst ., ,$(ID))).py -k $(word 2,$(subst ., ,$(ID)))

test: .venv/.ready ## run the tests
	.venv/bin/python -m pytest --numprocesses auto --dist loadgroup

lint: .venv/.ready ## check style and formatting
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: .venv/.ready ## check types
	.venv/bin/mypy

peers: .venv-peers/.ready ## compare with PyTorch, JAX, scikit-learn, statsmodels, ONNX Runtime
	.venv-peers/bin/python -m pytest tests/peers

distributed: .venv-peers/.ready ## kill workers in the middle of a sum (Dask, on this machine)
	.venv-peers/bin/python -m pytest tests/distributed

# Some machines set these to avoid kernels that old builds of OpenBLAS got wrong; both slow it.
bench: .venv-peers/.ready ## time the implementation side by side with its peers
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE .venv-peers/bin/python -m benchmarks

# -------------------------------------------------------------------- the site

# What the tests measured is stored in benchmarks/results/evidence.json: `make test` writes it.
docs: .venv-docs/.ready ## derive, verify, and build the site
	.venv-docs/bin/python -m derivations export --out docs/downloads
	.venv-docs/bin/python -m derivations verify --out build & \
	.venv-docs/bin/python -m derivations.note.errata --out build && wait $$!
	.venv-docs/bin/python -m sphinx -n -W --keep-going -j auto -d docs/_build/doctrees docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

site: docs ## test the site's extension, and a link from another project
	.venv-docs/bin/python -m pytest --confcutdir tests/site tests/site

browser: docs .venv-browser/.ready ## look at the site in real browsers (chromium; firefox-esr if there is one)
	.venv-browser/bin/python -m pytest --numprocesses auto --confcutdir tests/browser tests/browser

cheat-sheet: docs .venv-browser/.ready ## print the cheat sheet as a PDF (chromium)
	.venv-browser/bin/python tests/browser/print_cheat_sheet.py

# --------------------------------------------------------------------- upkeep

.venv-lock/.ready:
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet pip-tools
	@touch $@

# Resolve with the oldest Python at hand, such as Debian 12's 3.11.2: newer ones install that set
# too. pip's settings are left aside, so that versions and hashes are those of the public files.
COMPILE := env -u PIP_FIND_LINKS PIP_CONFIG_FILE=/dev/null .venv-lock/bin/pip-compile --quiet \
	--upgrade --generate-hashes --strip-extras --all-build-deps --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --unsafe-package torch

lock: .venv-lock/.ready ## choose the newest versions and write requirements/*.txt
	$(COMPILE) --extra test --extra lint --output-file requirements/test.txt pyproject.toml
	$(COMPILE) --extra docs --output-file requirements/docs.txt pyproject.toml
	$(COMPILE) --extra browser --output-file requirements/browser.txt pyproject.toml
	$(COMPILE) --extra peers --extra dask --constraint requirements/torch.txt $(TORCH_FLAGS) \
		--output-file requirements/peers.txt pyproject.toml
	sed -i '/^# WARNING/,$$d' requirements/peers.txt # torch has a pin of its own

clean: ## remove results and caches; the environments stay
	rm -rf build dist docs/_build .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
