# Every target sets up what it needs; set-up and progress go to standard error.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

export SAM_CLI_TELEMETRY := 0
export UV_PYTHON_DOWNLOADS := never

BIN := .venv/bin
SAM := PATH="$(CURDIR)/$(BIN):$$PATH" .venvs/sam/bin/sam
STAGE ?= dev
RESTAURANTS ?= *
SCOPES ?= bookings:write bookings:read operations
TTL ?= 3600
HYPOTHESIS_EXAMPLES ?= 10000

# Finds Python 3.13, makes .venv if need be, and the tools' environments that are named.
define environments
python="$$(./tools/find-python)" && "$$python" -S tools/environments.py $(1)
endef

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: ## the virtual environments, each again only when its requirements changed
	@$(call environments,runtime emulator sam)

# ------------------------------------------------------------------ running it
.PHONY: demo
demo: setup ## an evening end to end on this machine; DATA=file.csv plays real reservations
	@$(BIN)/python -m demo $(if $(DATA),--data "$(DATA)")

.PHONY: up
up: setup ## the same stack, left running until Ctrl-C; PORT=3000, MAITRED_HOME=.maitred
	@$(BIN)/python -m localstack up

.PHONY: token
token: ## one token for the local stack; RESTAURANTS="*" SCOPES="bookings:read" TTL=3600
	@$(call environments,) 1>&2
	@$(BIN)/python -m localstack token --restaurants "$(RESTAURANTS)" --scopes "$(SCOPES)" --ttl "$(TTL)"

.PHONY: replay
replay: setup ## the decisions about one booking or optimisation, made again; BOOKING=its id or reference
	@$(BIN)/python -m ops.replays "$(BOOKING)"

.PHONY: bench
bench: setup ## the benchmark tables
	@$(BIN)/python -m bench

.PHONY: bench-telemetry
bench-telemetry: setup ## what events and metrics add to a booking, as a ratio
	@$(BIN)/python -m bench.telemetry

# ----------------------------------------------------------------- checking it
.PHONY: test
test: setup ## every test, and how much of the layer they cover; ARGS="-k planner -n 1" runs some, without coverage
	@$(BIN)/python -m pytest $(or $(ARGS),--cov)
	@$(if $(ARGS),,$(BIN)/python -m tools.branch_coverage)

.PHONY: properties
properties: export HYPOTHESIS_EXAMPLES := $(HYPOTHESIS_EXAMPLES)
properties: setup ## the planner's properties, half an hour on two cores; HYPOTHESIS_EXAMPLES=10000 cases each
	@$(BIN)/python -m pytest -m hypothesis -o timeout=0 -q tests/planner

.PHONY: soak
soak: setup ## 20,000 operations while everything breaks, then the count; ARGS="--operations 2000 --seed 7"
	@$(BIN)/python -m tests.soak $(ARGS)

.PHONY: check
check: check-format check-lint check-types check-template check-build check-requirements check-telemetry check-openapi ## all that needs no running

.PHONY: check-format
check-format:
	@$(call environments,)
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo "make format repairs this" >&2; exit 1; }

.PHONY: check-lint
check-lint:
	@$(call environments,)
	@$(BIN)/ruff check --quiet .

.PHONY: check-types
check-types:
	@$(call environments,)
	@$(BIN)/mypy layers/shared functions localstack demo ops tools tests bench

# Neither needs an account, but the commands want a region.
check-template check-build: export AWS_DEFAULT_REGION := eu-west-1

.PHONY: check-template
check-template:
	@$(call environments,sam)
	@$(SAM) validate --lint && .venvs/sam/bin/cfn-lint

.PHONY: check-build
check-build: # in a folder of its own: a running local stack uses the other
	@$(call environments,sam)
	@log="$$(mktemp)"; trap 'rm -f "$$log"' EXIT; \
		$(SAM) build --cached --build-dir .aws-sam/check/out --cache-dir .aws-sam/check/cache > "$$log" 2>&1 \
		|| { cat "$$log" >&2; exit 1; }; echo "sam build: ok"

.PHONY: check-requirements
check-requirements:
	@$(call environments,)
	@$(BIN)/python tools/requirements.py --check

.PHONY: check-telemetry
check-telemetry:
	@$(call environments,)
	@$(BIN)/python -m tools.telemetry_document --check

.PHONY: telemetry
telemetry: ## docs/telemetry.md, from the vocabulary
	@$(call environments,)
	@$(BIN)/python -m tools.telemetry_document

.PHONY: check-openapi
check-openapi:
	@$(call environments,)
	@$(BIN)/python -m tools.openapi --check

.PHONY: openapi
openapi: ## docs/openapi.json, from the models and the table of calls
	@$(call environments,)
	@$(BIN)/python -m tools.openapi

.PHONY: format
format: ## lays the code out and repairs what can be repaired
	@$(call environments,)
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

.PHONY: requirements
requirements: ## the hashed requirements files, from pyproject.toml; ARGS=--upgrade takes the newest
	@$(call environments,)
	@$(BIN)/python tools/requirements.py $(ARGS)

# ---------------------------------------------------------------- deploying it
.PHONY: build
build:
	@$(call environments,sam)
	@$(SAM) build

.PHONY: rehearse
rehearse: setup ## sam deploy of the template, unchanged, against an emulator of AWS on this machine
	@$(BIN)/python -m localstack.rehearse

.PHONY: deploy
deploy: build ## sam deploy; STAGE=dev|staging|prod, the first time PARAMETERS="VpcId=… …" (docs/deploy.md)
	@$(SAM) deploy --config-env "$(STAGE)" \
		$(if $(PARAMETERS),--parameter-overrides Stage=$(STAGE) $(PARAMETERS))

.PHONY: ops
ops: ## the operator's commands: ARGS="--help"; alone, where STAGE's API, queues and logs are
	@$(call environments,) 1>&2
	@$(BIN)/python -m ops $(if $(ARGS),$(ARGS),outputs --stage "$(STAGE)")

.PHONY: clean
clean: ## removes what can be made again: environments, builds, caches. Data in .maitred stays
	@rm -rf .aws-sam .venv .venvs .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
