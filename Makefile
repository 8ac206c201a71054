# The two commands that matter: `make reproduce` and `make test`. Each sets up all it needs.
PYTHON   ?= python3
PROFILE  ?= $(or $(TCNSC_PROFILE),demo)
VENV     := .venv
BIN      := $(VENV)/bin
READY    := $(VENV)/.ready
BOOKS    := $(sort $(wildcard notebooks/*.ipynb))
SOLVED   := $(sort $(wildcard notebooks/solutions/*.ipynb))
# Notebook 8 shows a study of hours, `tcnsc study`; where there is none it is left out, and said.
STUDY    := $(wildcard figures/$(PROFILE)/evidence/study)
TOLD     := $(if $(STUDY),$(BOOKS),$(filter-out notebooks/08_%,$(BOOKS)))
BUILD    := $(CURDIR)/build
export TCNSC_PROFILE := $(PROFILE)
# TCNSC_SOURCE, TCNSC_HOME and TCNSC_FIGURES go on as they are: tcnsc_lib.profiles expands ~ and
# counts relative ones from here, in notebooks too.
# What is committed lies in the checkout, wherever TCNSC_HOME is.
COMMITTED := TCNSC_FIGURES="$(CURDIR)/figures"

# No setting of the user's own Jupyter, IPython or matplotlib changes a number or a picture.
MEASURED := reproduce test report refresh
$(MEASURED): export IPYTHONDIR := $(BUILD)/settings/ipython
$(MEASURED): export JUPYTER_CONFIG_DIR := $(BUILD)/settings/jupyter
$(MEASURED): export JUPYTER_RUNTIME_DIR := $(BUILD)/settings/runtime
$(MEASURED): export MPLCONFIGDIR := $(BUILD)/settings/matplotlib
# Notebooks run on this environment's kernel, whatever else is called "python3" on this machine.
RUN_NOTEBOOKS := reproduce test refresh lab
$(RUN_NOTEBOOKS): export JUPYTER_DATA_DIR := $(BUILD)/settings/data
$(RUN_NOTEBOOKS): export JUPYTER_PATH :=
$(RUN_NOTEBOOKS): export JUPYTER_PREFER_ENV_PATH := 1
$(MEASURED): export JUPYTER_CONFIG_PATH :=
# The committed numbers are a CPU's.
test report refresh: export CUDA_VISIBLE_DEVICES :=
unexport MPLBACKEND

EXECUTE  := $(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute
STILL    := --NotebookExporter.preprocessors=tcnsc_lib.report.bars.still
NBVAL    := --nbval-lax --nbval-current-env --nbval-cell-timeout=1800 \
            --nbval-sanitize-with tests/nbval.cfg

.NOTPARALLEL:
.PHONY: help install reproduce test report refresh book lab lock clean

# The book of what docs/_toc.yml names. $(1): folder of its notebooks. $(2): a line above each page.
SOURCES  := $(BUILD)/sources
PAGES    := *.md docs notebooks data/README.md figures/README.md figures/demo/*.png \
            figures/photos/study_gains.png figures/photos/quality_chains.png
define make_book
rm -rf "$(SOURCES)" "$(BUILD)/jupyter_execute" "$(BUILD)/book"
mkdir -p "$(SOURCES)"
tar -cf - $(PAGES) | tar -xf - -C "$(SOURCES)"
cp $(1)/*.ipynb "$(SOURCES)/notebooks"
$(BIN)/sphinx-build -q -c docs -d "$(SOURCES)/.read" -D html_theme_options.announcement="$(2)" \
"$(SOURCES)" "$(BUILD)/book"
@echo "the book is in build/book/index.html"
endef

help:
	@echo "make report      every table, interval, claim, picture and the README again, from what is"
	@echo "                 committed: no data, no training, about a minute"
	@echo "make reproduce   demo data, training, every notebook, table and figure; compares them with"
	@echo "                 what is committed"
	@echo "make test        style, unit tests, does all committed follow from the evidence, notebooks"
	@echo "                 under nbval, their numbers against the committed ones"
	@echo "make book        this project as a book, from the committed notebooks; half a minute"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make refresh     renew the committed notebooks, tables, figures and the README"
	@echo "make lock        renew requirements.lock and environment.yml after a change of pyproject.toml"
	@echo "make clean       delete what was made (data/demo, data/faces, runs/, build/); .venv stays"
	@echo "PROFILE=photos TCNSC_SOURCE=<folder> make reproduce: other faces; see data/README.md"

install: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer" \
	" is needed, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV): about 200 packages, 6 GB with PyTorch's CUDA libraries, minutes ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

reproduce: $(READY)
	rm -rf "$(BUILD)/figures" "$(BUILD)/notebooks"
	$(BIN)/tcnsc train all
	TCNSC_FIGURES="$(BUILD)/figures" $(EXECUTE) $(STILL) --output-dir "$(BUILD)/notebooks" \
	$(TOLD)
	@[ -n "$(STUDY)" ] || echo "notebook 8 was left out: what it shows takes hours," \
	"$(BIN)/tcnsc study --profile $(PROFILE)"
	TCNSC_FIGURES="$(BUILD)/figures" $(BIN)/tcnsc report --profile $(PROFILE)
	$(call make_book,"$(BUILD)/notebooks",Notebooks of your own run ($(PROFILE)). \
	The other pages show the committed numbers.)
	@echo "this run's notebooks and figures are in build/"
	@if [ -d figures/$(PROFILE) ]; then \
	$(BIN)/tcnsc verify figures/$(PROFILE) build/figures/$(PROFILE); \
	else echo "nothing is committed for profile $(PROFILE), so there is nothing to compare with"; fi

test: $(READY)
	$(BIN)/ruff check
	$(BIN)/python -m pytest tests
	$(COMMITTED) $(BIN)/tcnsc report --check
	$(BIN)/tcnsc train all
	rm -rf "$(BUILD)/test-figures"
	TCNSC_FIGURES="$(BUILD)/test-figures" $(BIN)/python -m pytest $(NBVAL) -x $(BOOKS) $(SOLVED)
	TCNSC_FIGURES="$(BUILD)/test-figures" $(BIN)/tcnsc report --profile $(PROFILE)
	$(BIN)/tcnsc verify figures/$(PROFILE) build/test-figures/$(PROFILE)

report: $(READY)
	$(COMMITTED) $(BIN)/tcnsc report

refresh: $(READY)
	@[ "$(PROFILE)" = demo ] || { echo "the committed notebooks show the demo, not somebody's" \
	"faces; leave PROFILE and TCNSC_PROFILE alone"; exit 1; }
	$(BIN)/tcnsc train all
	$(COMMITTED) $(EXECUTE) $(STILL) --inplace $(BOOKS) $(SOLVED)
	$(COMMITTED) $(BIN)/tcnsc report

book: $(READY)
	$(call make_book,notebooks)

lab: $(READY)
	TCNSC_FIGURES="$(BUILD)/figures" $(BIN)/jupyter lab --notebook-dir notebooks

# Versions in the lock stay where they can; `make lock UPGRADE=--upgrade` renews all of them.
lock: $(READY)
	$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --fork-strategy fewest \
	--python-version 3.11 --no-annotate --no-header --extra dev pyproject.toml \
	-o requirements.lock
	{ printf 'name: tcnsc\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n'; \
	printf '  - pip:\n'; sed 's/^/      - /' requirements.lock; printf '      - -e .\n'; \
	} > environment.yml

clean:
	rm -rf build runs data/demo data/faces
