# On a machine with python3 (3.11 or later) and make: `make demo` and `make test` do everything.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WORKERS ?= 2
MEASURED := $(addprefix speed.,throughput generation tasks rollout mujoco_rollout replay specialists) \
            $(addprefix speed.,evaluation checkpoints report construction memory startup environment_options training_options suites) \
            $(addprefix reliability.,coverage kills interrupts)
DEMO   := runs/demo/$(shell date +%Y%m%d-%H%M%S)

# Small networks: one thread per process is fastest, and spinning threads would slow the neighbors.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= PASSIVE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow check format docs results bench wheel constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY) ## Create .venv with HyperRL and its development tools

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; ok = sys.version_info >= (3, 11); v = sys.version.split()[0]; \
	sys.exit(0 if ok else "HyperRL needs Python 3.11 or later, but $(PYTHON) is Python " + v + "; try: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install -qq -c constraints.txt torch
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY) ## Train hyper-ppo on ode and evaluate it zero-shot on the whole grid of contexts
	@$(BIN)/hyperrl train hyper-ppo ode --out $(DEMO)
	@$(BIN)/hyperrl evaluate $(DEMO) --split interpolation --split extrapolation --sweep c0=-10:10:21

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -q -n $(WORKERS)

test-slow: $(READY) ## Run the tests marked slow
	@$(BIN)/python -m pytest -q -m slow

check: $(READY) ## Lint, types, import rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(READY) ## Format the code and fix what the linter can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

results: $(READY) ## Write docs/results.md, the README's table and the figures from benchmarks/results
	@$(BIN)/python -m benchmarks.report.results

docs: $(READY) ## Write the README's tables of agents and families from the recipes
	@$(BIN)/python -m tests.project.tables

bench: $(READY) ## Run all benchmarks of speed and reliability (fails where one misses a goal)
	@missed=0; for name in $(MEASURED); do \
	  $(BIN)/python -m benchmarks.$$name --json benchmarks/results/$${name#*.}.json || missed=1; \
	done; exit $$missed

wheel: $(READY) ## Build the wheel and the source distribution into dist/
	@$(BIN)/python -m build --no-isolation

constraints: $(READY) ## Compile constraints.txt from pyproject.toml (keeps pins that still fit)
	@$(BIN)/pip-compile --quiet --all-extras --strip-extras --no-header --annotation-style=line \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -P 'torch==2.13.0' -o constraints.txt pyproject.toml
	@{ echo '# The tested set, compiled from pyproject.toml with all extras by pip-compile: `make constraints`'; \
	  sed -e '/^# The tested set/d' -e 's/+cpu//' constraints.txt; } > constraints.new && mv constraints.new constraints.txt

clean: ## Remove what the tools leave (runs and .venv stay)
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -type d -name __pycache__ -print | xargs rm -rf
