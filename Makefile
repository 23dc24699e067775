# Everything a clone needs, from Python and make alone. `make` lists the commands.
# Paths stay relative, so that a folder with spaces in its name works.

PYTHON := .venv/bin/python
RUNTIME := .venv/.requirements
TOOLS := .venv/.requirements-dev
# For tools that import the settings but use no service.
PLACEHOLDERS := DATABASE_URL=postgresql://unused@127.0.0.1:1/unused SECRET_KEY=unused \
	PHONE_KEYS=k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	PHONE_INDEX_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

# Processes that share the tests, each with services of its own.
WORKERS := 2

.DEFAULT_GOAL := help
.PHONY: help run stop status reset check audit test chaos fuzz bench lock messages roles venv
.DELETE_ON_ERROR:

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(RUNTIME) ## run everything on this machine (options: ARGS="--no-demo --port 9000")
	@exec $(PYTHON) manage.py up $(ARGS)

stop: $(RUNTIME) ## stop what `make run` started
	@exec $(PYTHON) manage.py stop

status: $(RUNTIME) ## show what runs
	@$(PYTHON) manage.py status || [ $$? -eq 3 ]

reset: $(RUNTIME) ## delete all rows, secrets and logs of this clone
	@exec $(PYTHON) manage.py reset $(ARGS)

check: $(TOOLS) ## format, lint, types, contracts, migrations, translations, audit
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PLACEHOLDERS) $(PYTHON) -m mypy .
	.venv/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) manage.py check
	$(PYTHON) scripts/messages.py --check
	$(PYTHON) scripts/audit.py

audit: $(TOOLS) ## look for what attackers like, compared with what somebody has looked at
	$(PYTHON) scripts/audit.py

test: $(TOOLS) ## run the tests (options: ARGS="-k coupon" WORKERS=0 for one process)
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: $(TOOLS) ## 100,000 messages under kill -9 (options: ARGS="--people 5000 --kills 10")
	$(PYTHON) -m tests.chaos.long $(ARGS)

fuzz: $(TOOLS) ## call the whole API with 500 inputs for each operation (options: FUZZ_EXAMPLES=5000)
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),500) $(PYTHON) -m pytest -n 0 --timeout=7200 tests/api/test_schema.py

bench: $(TOOLS) ## measure beside the limit of this machine (options: BENCH="submit freeze" QUICK=1)
	$(PYTHON) -m tests.benchmarks $(BENCH) $(if $(QUICK),--quick)

lock: $(TOOLS) ## compile requirements.txt and requirements-dev.txt
	$(PYTHON) -m pip install --quiet uv
	$(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --output-file requirements.txt requirements.in
	$(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --output-file requirements-dev.txt requirements-dev.in

roles: $(RUNTIME) ## write the table of roles into docs/reference/roles.md
	$(PLACEHOLDERS) $(PYTHON) manage.py roles_table > docs/reference/roles.md

messages: $(TOOLS) ## extract and compile translations
	$(PYTHON) scripts/messages.py

# The virtual environment --------------------------------------------------------------------------

# Scripts in a virtual environment name its folder, and its interpreter may go: then it is built anew.
$(shell [ "$$(cat .venv/.place 2>/dev/null)" = "$$(pwd -P)" ] && .venv/bin/python -c "" || rm -f .venv/.place)

.venv/.place:
	@set -e; \
	for name in python3.13 python3.12 python3.11 python3 python; do \
		if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
			found="$$name"; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 was found on the PATH. Install one, for example: apt install python3 python3-venv" >&2; \
		exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
		echo "$$found lacks the venv module. Install it, for example: apt install python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "Building .venv with $$("$$found" --version)"; \
	rm -rf .venv; \
	"$$found" -m venv .venv; \
	pwd -P > .venv/.place

$(RUNTIME): requirements.txt .venv/.place
	@echo "Installing requirements.txt"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(TOOLS): requirements-dev.txt $(RUNTIME)
	@echo "Installing requirements-dev.txt"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

venv: $(TOOLS) ## only build the virtual environment, tools included
