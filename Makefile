# The two commands that matter: `make reproduce` and `make test`. Each sets up all it needs.
PYTHON   ?= python3
PROFILE  ?= $(or $(TCNSC_PROFILE),demo)
VENV     := .venv
BIN      := $(VENV)/bin
READY    := $(VENV)/.ready
BOOKS    := $(sort $(wildcard notebooks/*.ipynb))
BUILD    := $(CURDIR)/build
export TCNSC_PROFILE := $(PROFILE)

# No settings of the user's own Jupyter, IPython or matplotlib change a number or a picture; the committed numbers are a CPU's.
reproduce test refresh: export IPYTHONDIR := $(BUILD)/settings/ipython
reproduce test refresh: export JUPYTER_CONFIG_DIR := $(BUILD)/settings/jupyter
reproduce test refresh: export JUPYTER_RUNTIME_DIR := $(BUILD)/settings/runtime
reproduce test refresh: export MPLCONFIGDIR := $(BUILD)/settings/matplotlib
test refresh: export CUDA_VISIBLE_DEVICES :=
unexport MPLBACKEND

.NOTPARALLEL:
.PHONY: help install reproduce test refresh lab lock clean

help:
	@echo "make reproduce   environment, demo data, every notebook, table and figure; compares with what is committed"
	@echo "make test        environment, unit tests, notebooks under nbval, numbers against the committed ones"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make refresh     renew the committed notebooks, tables and figures"
	@echo "make clean       delete what was made (data/demo, data/faces, runs/ and build/; not the environment)"
	@echo "PROFILE=photos TCNSC_SOURCE=<folder> make reproduce: the same on other faces; see data/README.md"

install: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another with make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV): about 160 packages, 6 GB with PyTorch's CUDA libraries, a few minutes ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

reproduce: $(READY)
	rm -rf "$(BUILD)/figures" "$(BUILD)/notebooks"
	$(BIN)/tcnsc train all
	TCNSC_FIGURES="$(BUILD)/figures" $(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --output-dir "$(BUILD)/notebooks" $(BOOKS)
	$(BIN)/tcnsc site build/notebooks build/figures/$(PROFILE) build/site
	@echo "notebooks and figures are in build/, and as pages to read in build/site/index.html"
	@if [ -d figures/$(PROFILE) ]; then $(BIN)/tcnsc verify figures/$(PROFILE) build/figures/$(PROFILE); \
	else echo "nothing is committed for profile $(PROFILE), so there is nothing to compare with"; fi

test: $(READY)
	$(BIN)/python -m pytest tests
	$(BIN)/tcnsc train all
	rm -rf "$(BUILD)/test-figures"
	TCNSC_FIGURES="$(BUILD)/test-figures" $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=1800 --nbval-sanitize-with tests/nbval.cfg -x $(BOOKS)
	$(BIN)/tcnsc verify figures/$(PROFILE) build/test-figures/$(PROFILE)

refresh: $(READY)
	@[ "$(PROFILE)" = demo ] || { echo "the committed notebooks show the demo, not somebody's faces; leave PROFILE and TCNSC_PROFILE alone"; exit 1; }
	$(BIN)/tcnsc train all
	$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --NotebookExporter.preprocessors=tcnsc_lib.pages.still --inplace $(BOOKS)
	$(BIN)/tcnsc readme

lab: $(READY)
	TCNSC_FIGURES="$(BUILD)/figures" $(BIN)/jupyter lab --notebook-dir notebooks

lock:
	uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --no-annotate --no-header pyproject.toml -o requirements.lock
	{ printf 'name: tcnsc\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n'; sed 's/^/      - /' requirements.lock; printf '      - -e .\n'; } > environment.yml

clean:
	rm -rf build runs data/demo data/faces
