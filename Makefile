# make run    the household server on PORT (8000), with all it needs
# make test   every test, as a household runs the server and as a fleet does; ARGS="-k pairing"
# make lint   style, types, migrations, system checks
# make bench  what a request costs, and how near that is to the least; ARGS="--only device"
# make lock   new versions for requirements.txt and requirements-dev.txt
# make clean  removes what the others made, but never the data in var/

# More than there may be cores, since many tests wait.
JOBS ?= 4
PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check

.PHONY: run test lint bench lock clean

run: .venv/.installed
	@exec .venv/bin/python manage.py serve

# Both shapes always, so that one run tells all.
test: .venv/.installed-dev
	@status=0; for shape in household fleet; do \
	    echo "Tests as a $$shape:"; \
	    SELENE_TEST_SHAPE=$$shape .venv/bin/pytest -n $(JOBS) --dist worksteal $(ARGS) || status=$$?; \
	done; exit $$status

lint: .venv/.installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy .
	.venv/bin/python -m tools.check_project

# Over the whole geography where SELENE_TEST_DATA names its folder.
bench: .venv/.installed-dev
	.venv/bin/python -m tools.bench $(ARGS)

lock: .venv/lock/bin/uv
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
COMPILE = .venv/lock/bin/uv pip compile --quiet --upgrade --python-version 3.11 --no-header --no-annotate

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./var/*" -prune -exec rm -rf {} +

# The environment: made once, installed into again only when the requirements changed.
.venv/bin/python:
	@for python in python3.11 python3; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making the environment .venv with $$($$python -V)"; \
	        $$python -m venv .venv && exit; \
	        rm -rf .venv; \
	        echo "$$python cannot make environments: install its venv module (python3-venv)." >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo "Selene needs Python 3.11 or later: neither python3.11 nor python3 is one." >&2; exit 1

.venv/.installed: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt"
	@$(PIP) install -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing requirements-dev.txt"
	@$(PIP) install -r requirements-dev.txt
	@touch .venv/.installed $@

.venv/lock/bin/uv: | .venv/bin/python
	.venv/bin/python -m venv .venv/lock
	.venv/lock/bin/python -m pip --quiet --disable-pip-version-check install uv
