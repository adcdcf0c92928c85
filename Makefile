# From a machine with Python 3.11 or newer, make and git:
#   make paper   everything to run the paper's experiment and look at its table and figures
#   make test    everything to run the tests
#   make chaos   the long tests: README's commands, kills, full disks, a PostgreSQL server (Debian:
#                postgresql), a Dask cluster, a browser (Debian: chromium, npm)
#   make shuffled  the tests again, in one process and in another order
#   make mutants single changes of the code that no test notices, by hand
#   make bench   every benchmark with its targets, on a machine that does nothing else
#   make site    the documentation as a site, in site/; make serve shows it while it is written

PYTHON ?= python3
BIN := .venv/bin
DATABASE ?= paper/runs.db
FOLDER = $(dir $(DATABASE))

# The long tests wait most of the time: for processes to start, locks to be let go, servers to answer.
MOSTLY_WAITING := 5

# The tests start hundreds of processes, each of which would compile cdbench anew without this.
unexport PYTHONDONTWRITEBYTECODE

BENCHMARKS := start reading layers families acdc_floor planner experiment side_by_side tasks sklearn_estimators onnx_layers architectures conv_frequencies torch_layers loops sweep_jobs database load memory

.PHONY: browser paper test shuffled chaos check bench mutants pages docs site serve clean

paper: .venv/installed
	@mkdir -p $(FOLDER)
	$(BIN)/cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2 --db $(DATABASE)
	@echo
	$(BIN)/cdbench report --table1 --db $(DATABASE)
	@echo
	$(BIN)/cdbench plot --fig1 --fig2 --db $(DATABASE) --output $(FOLDER)
	@echo 'open it by hand: sqlite3 $(DATABASE) "select * from table1"'

test: .venv/installed-test
	$(BIN)/python -m pytest -n auto --dist worksteal

shuffled: .venv/installed-test
	$(BIN)/python -m pytest -p randomly

chaos: .venv/installed-test browser
	$(BIN)/python -m pytest -n $(MOSTLY_WAITING) --dist worksteal -m "long or chaos or server or cluster"

# What drives the browser; without npm the tests that need one are skipped.
BROWSER := tests/browser/node_modules/.package-lock.json
browser: $(if $(shell command -v npm),$(BROWSER))

$(BROWSER): tests/browser/package-lock.json
	cd tests/browser && npm ci --silent
	@touch $@

check: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Some thirty minutes; a few seconds each with make bench QUICK=--quick, which judges nothing.
bench: .venv/installed-bench
	@set -e; for name in $(BENCHMARKS); do \
	  echo; $(BIN)/python benchmarks/$$name.py $(QUICK); \
	done

# Hours for all of it; a sample of a room: make mutants ROOM=diagnostics N=20
mutants: .venv/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mutants]'
	$(BIN)/python benchmarks/mutants.py $(if $(ROOM),--room $(ROOM)) $(if $(N),--n $(N)) $(if $(SEED),--seed $(SEED))

# What is made from the code alone.
pages: .venv/installed-test
	$(BIN)/python -m cdbench.store.schema_page docs/schema.md
	$(BIN)/python -m cdbench.reports.layers_page docs/layers.md
	$(BIN)/python -m cdbench.api.figures.listed docs/plots.md
	$(BIN)/python -m cdbench.cli.commands_page docs/commands.md
	$(BIN)/python -m cdbench.cli.knobs_page docs/knobs.md
	$(BIN)/python -m tests.rooms_diagram
	$(BIN)/python -m tests.database_diagram

# From the released results as git has them: after training them anew, git add runs.db comes first.
docs: pages
	@mkdir -p .venv/released
	$(BIN)/python -m tests.released .venv/released/runs.db
	$(BIN)/python -m tests.recipes .venv/released/runs.db
	$(BIN)/python -m tests.querying_page .venv/released/runs.db
	$(BIN)/python -m tests.audit_numbers .venv/released/runs.db
	$(BIN)/python -m tests.comparison_page .venv/released/runs.db
	$(BIN)/python -m tests.notebook .venv/released/runs.db
	$(BIN)/cdbench report --html docs/report.html --name digits --db .venv/released/runs.db
	$(BIN)/cdbench plot --fig1 --fig2 --claims --crossover --db .venv/released/runs.db --output docs/figures
	$(BIN)/cdbench plot curves seeds --where "dataset = digits and changes = '' and seed < 30 and (B in (1, 3, 4, 5, 7, 8) or family = dense)" --db .venv/released/runs.db --output docs/figures
	$(BIN)/cdbench plot --compare --name digits --db .venv/released/runs.db --output docs/figures
	$(BIN)/cdbench plot --claim convolution attention odd-heads language deep-networks --db .venv/released/runs.db --output docs/figures
	$(BIN)/cdbench plot --claim harder-images fourier-basis structured-rivals classic-order --db .venv/released/runs.db --output docs/figures
	$(BIN)/cdbench plot --study released --db .venv/released/runs.db --output docs/figures
	$(BIN)/cdbench plot --study released --name digits fashion-mnist cifar-10-gray --db .venv/released/runs.db --output docs/figures/study.png

site: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

serve: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cdbench needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/installed-test: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@ .venv/installed

.venv/installed-docs: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@ .venv/installed

.venv/installed-bench: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@ .venv/installed

clean:
	rm -rf .venv build dist paper figures site
