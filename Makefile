# Every task is a target here; CI calls the same targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
VENVS := .venvs
export PIP_DISABLE_PIP_VERSION_CHECK := 1
STACK := $(VENVS)/local/bin/python -m local_stack
DEV := $(VENVS)/dev/bin
# The version of Lambda and LocalStack; not every machine has it.
PYTHON_3_13 = $(firstword $(wildcard $(HOME)/.pyenv/versions/3.13*/bin/python3.13) $(shell command -v python3.13 2>/dev/null))
LAMBDA = $(if $(PYTHON_3_13),$(VENVS)/lambda/.ready)
ENVIRONMENTS = $(MAKE) --no-print-directory --silent --jobs 2

.PHONY: help
help:  ## list the targets
	@awk 'BEGIN {FS = ":.*## *"} /^[a-z0-9-]+:.*##/ {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the stack on this machine -------------------------------------------------------------------
.PHONY: run monitoring yace stop status logs clean
# SUBJECT= names the table, DATA= its first CSV.
ifneq ($(SUBJECT),)
export HOUSING_SUBJECT := $(SUBJECT)
endif
ifneq ($(DATA),)
export HOUSING_DATA := $(abspath $(DATA))
endif
run:  ## start everything and train the first model; another table: SUBJECT=name DATA=its.csv
	@$(ENVIRONMENTS) $(VENVS)/local/.ready $(VENVS)/functions/.ready $(VENVS)/ministack/.ready
	@exec $(STACK) up

.PHONY: new
new: $(VENVS)/local/.ready  ## write the folder of a table from its CSV: SUBJECT=name DATA=its.csv TARGET=column
	@unset HOUSING_SUBJECT; exec $(VENVS)/local/bin/housing new "$(SUBJECT)" --from "$(DATA)" --target "$(TARGET)"

monitoring: is-installed  ## start YACE, Prometheus and Alertmanager beside a running stack
	@$(MAKE) --no-print-directory --silent yace
	@exec $(STACK) monitor

# Pinned with hashes in monitoring/yace/go.sum. Without Go nothing is built, and the stack says what is missing.
yace:  ## build the exporter into .tools/
	@if [ -n "$$HOUSING_YACE" ] || [ .tools/yace -nt monitoring/yace/go.sum ] || ! command -v go >/dev/null; then exit 0; fi; \
	  echo "  … exporter YACE: building it (once; some minutes)"; mkdir -p .tools && cd monitoring/yace || exit 1; \
	  (n=0; while sleep 5; do n=$$((n + 5)); echo "    … still building it ($$n s)"; done) & beat=$$!; trap 'kill $$beat' EXIT; \
	  GOBIN="$(CURDIR)/.tools" go install github.com/prometheus-community/yet-another-cloudwatch-exporter/cmd/yace && \
	  touch "$(CURDIR)/.tools/yace" && echo "  ✓ exporter YACE"

stop: is-installed  ## stop the services; models, data and keys stay
	@$(STACK) down

# Exit status 1 means that a service is down; make itself has not failed.
status: is-installed  ## list the services, their start times and memory
	@$(STACK) status || [ $$? -eq 1 ]

logs: is-installed  ## show the logs of services, jobs and functions
	@$(STACK) logs

clean: is-installed  ## stop the services and delete models, data and keys
	@$(STACK) clean

.PHONY: is-installed
is-installed:
	@test -e $(VENVS)/local/.ready || { echo "the environment is not installed, or only half: make run" >&2; exit 1; }

# ---- checks --------------------------------------------------------------------------------------
.PHONY: lint test test-unit test-faults test-integration test-localstack
lint: $(VENVS)/dev/.ready $(VENVS)/sam/.ready  ## ruff, mypy, cfn-lint; promtool and amtool if installed
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy functions layers/shared cli local monitoring/dashboards tests benchmarks tools
	$(DEV)/cfn-lint infra/template.yaml
	PYTHONPATH=tests $(DEV)/python -m infra.lint_expanded
	@if command -v promtool >/dev/null; then promtool check rules monitoring/prometheus/recording.yaml monitoring/prometheus/slo.yaml monitoring/prometheus/alerts.yaml; \
	  else echo "promtool is not installed (Debian: prometheus): rules not checked"; fi
	@if command -v amtool >/dev/null; then amtool check-config monitoring/alertmanager/alertmanager.yaml; \
	  else echo "amtool is not installed (Debian: prometheus-alertmanager): routes not checked"; fi

# A file is a worker's unit of work; so is a folder that shares a stack: tests/scheduling.py.
test:  ## all tests
	@$(ENVIRONMENTS) $(VENVS)/dev/.ready $(VENVS)/functions/.ready $(VENVS)/ministack/.ready $(VENVS)/sam/.ready $(VENVS)/athena/.ready $(LAMBDA) trees
	$(DEV)/python -m pytest --numprocesses 2 --dist loadfile

test-unit: $(VENVS)/dev/.ready $(VENVS)/sam/.ready $(VENVS)/athena/.ready $(LAMBDA) trees  ## unit, infra and docs tests: no running stack needed
	$(DEV)/python -m pytest tests/unit tests/infra tests/docs

test-faults: $(VENVS)/dev/.ready $(VENVS)/ministack/.ready  ## each network fault at each call of S3, SNS and MLflow; half an hour
	HOUSING_EVERY_FAULT=1 $(DEV)/python -m pytest tests/faults --numprocesses 2 --dist loadscope

# Releases of MLflow whose server the contract tests are run against, besides the pinned one of `make test`.
MLFLOW_SERVERS = 3.4 3.8 3.12
.PHONY: test-mlflow-servers
test-mlflow-servers: $(VENVS)/dev/.ready $(MLFLOW_SERVERS:%=$(VENVS)/mlflow-%/.ready)  ## the contract with the registry, kept by older MLflow servers
	@for release in $(MLFLOW_SERVERS); do echo "  … MLflow $$release"; \
	  HOUSING_MLFLOW_SERVER="$(CURDIR)/$(VENVS)/mlflow-$$release/bin/python" HOUSING_MLFLOW_RELEASE=$$release $(DEV)/python -m pytest --quiet \
	    tests/contract/test_model_registry.py tests/contract/test_run_tracker.py tests/contract/test_registry_hooks.py \
	    tests/contract/test_registry_release.py || exit 1; done

.PHONY: test-arm
test-arm: $(VENVS)/dev/.ready $(VENVS)/sam/.ready $(VENVS)/native/.ready  ## the packages for arm64, run by qemu; as root
	HOUSING_ARM64=1 $(DEV)/python -m pytest tests/infra/test_arm64.py -rs

.PHONY: test-image
test-image: $(VENVS)/dev/.ready  ## the training image's Dockerfile, replayed in a fresh Debian without Docker; as root
	HOUSING_IMAGE=1 $(DEV)/python -m pytest tests/infra/test_image_build.py -rs

ENDPOINT ?=
test-integration: $(VENVS)/dev/.ready $(VENVS)/functions/.ready $(VENVS)/ministack/.ready $(VENVS)/sam/.ready  ## integration tests on free ports, or on ENDPOINT=url
	HOUSING_AWS_ENDPOINT="$(ENDPOINT)" $(DEV)/python -m pytest tests/integration

.PHONY: test-tables
test-tables: $(VENVS)/dev/.ready $(VENVS)/functions/.ready $(VENVS)/ministack/.ready  ## the loop with diamonds and defaults, each on a stack of its own
	HOUSING_TEST_TABLES=1 $(DEV)/python -m pytest tests/integration/test_other_tables.py

.PHONY: test-watching prometheus3
PROMETHEUS_3 = v0.316.0
prometheus3: .tools/prometheus3/$(PROMETHEUS_3)  ## build Prometheus 3 and its promtool for test-watching; half an hour of computing
.tools/prometheus3/$(PROMETHEUS_3):
	@mkdir -p $(@D); echo "  … Prometheus $(PROMETHEUS_3): building it (once)"
	GOBIN="$(CURDIR)/.tools/prometheus3" go install github.com/prometheus/prometheus/cmd/prometheus@$(PROMETHEUS_3) \
	  github.com/prometheus/prometheus/cmd/promtool@$(PROMETHEUS_3)
	@touch $@

test-watching: $(VENVS)/dev/.ready $(VENVS)/ministack/.ready yace prometheus3  ## the rules on Prometheus 3; late points, counted both ways, on the real chain
	HOUSING_WATCHING=1 $(DEV)/python -m pytest tests/monitoring/test_prometheus3.py tests/monitoring/test_late_points.py

test-localstack: $(VENVS)/dev/.ready $(VENVS)/functions/.ready $(VENVS)/localstack/.ready  ## integration tests on LocalStack, from PyPI or in its container
	$(DEV)/python -m local_stack.on_localstack $(DEV)/python -m pytest tests/integration -rs

.PHONY: trees fuzz-trees
# The library of trees for this machine's processor: native/trees/README.md. Other systems use ONNX Runtime's trees.
TREES = $(if $(filter Linux,$(shell uname -s)),layers/shared/housing/native/trees-$(shell uname -m).so)
trees: $(TREES)  ## build the library that evaluates trees faster than ONNX Runtime

FUZZ_ROWS ?= 1000000
fuzz-trees: $(VENVS)/dev/.ready trees  ## compare the library of trees with ONNX Runtime on random ensembles; FUZZ_ROWS=1000000
	HOUSING_FUZZ_ROWS=$(FUZZ_ROWS) $(DEV)/python -m pytest tests/unit/native -k million -s

layers/shared/housing/native/trees-%.so: $(wildcard native/trees/*) requirements/native.txt | $(VENVS)/native/.ready
	native/trees/build $* $@

.PHONY: checkov
checkov: $(VENVS)/checkov/.ready  ## check the template for unsafe settings; exceptions have their reason beside the resource
	$(VENVS)/checkov/bin/checkov --file infra/template.yaml --framework cloudformation --compact --quiet --skip-download

.PHONY: fuzz
FUZZ_SECONDS ?= 300
fuzz: is-installed $(VENVS)/fuzz/.ready  ## send requests generated from docs/openapi.json to the running stack
	@set -a; . .local/env; set +a; exec $(VENVS)/fuzz/bin/schemathesis \
	  --config-file tests/fuzz/schemathesis.toml run docs/openapi.json --max-time $(FUZZ_SECONDS)

.PHONY: coverage lint-workflows audit test-build
# Of the integration tests only those of the programs that start or deploy a stack.
MEASURED = tests/unit tests/contract tests/integration/test_stack.py tests/integration/test_deploy.py
coverage:  ## branch coverage; report in .coverage/html
	@$(ENVIRONMENTS) $(VENVS)/dev/.ready $(VENVS)/functions/.ready $(VENVS)/ministack/.ready $(VENVS)/sam/.ready
	@mkdir -p .coverage && $(DEV)/coverage erase
	$(DEV)/coverage run -m pytest $(MEASURED) --numprocesses 2 --dist loadfile
	@$(DEV)/coverage combine --quiet && $(DEV)/coverage html --quiet --fail-under 0
	$(DEV)/coverage report
	$(DEV)/python .ci/branches_reached.py

AUDIT := $(VENVS)/audit/bin
SCRIPTS = .ci/run .ci/install-packages native/trees/build infra/build infra/deploy infra/push-image requirements/lock
FIRST_PARTY = functions layers/shared cli local monitoring benchmarks tools
lint-workflows: $(VENVS)/audit/.ready .tools/actionlint  ## actionlint, zizmor, shellcheck
	.tools/actionlint -shellcheck $(AUDIT)/shellcheck -pyflakes ""
	$(AUDIT)/zizmor --offline --quiet .github
	$(AUDIT)/shellcheck $(SCRIPTS)

# The shipped packages and their tools; the benchmarks' peers are left out: other projects' servers, on loopback.
AUDITED = predict retrain functions image local dev sam native ministack localstack uv audit
audit: $(VENVS)/audit/.ready .tools/gitleaks  ## bandit, gitleaks over the history, pip-audit
	$(AUDIT)/bandit --quiet --configfile pyproject.toml --recursive $(FIRST_PARTY)
	.tools/gitleaks git --no-banner --redact --verbose .
	@failed=0; for list in $(AUDITED); do echo "requirements/$$list.txt"; \
	  $(AUDIT)/pip-audit --strict --disable-pip --requirement requirements/$$list.txt || failed=1; done; exit $$failed

test-build: $(VENVS)/dev/.ready $(VENVS)/sam/.ready $(VENVS)/native/.ready $(VENVS)/athena/.ready $(LAMBDA)  ## test the built packages: sizes, and answers to the sample events
	$(DEV)/python -m pytest tests/infra

# Pinned with hashes in .github/tools/go.sum.
.tools/actionlint .tools/gitleaks: .github/tools/go.sum
	@command -v go >/dev/null || { echo "error: Go 1.25 or newer is needed for $@" >&2; exit 1; }
	@mkdir -p .tools && cd .github/tools && GOBIN="$(CURDIR)/.tools" go install tool && touch "$(CURDIR)/$@"

# ---- what is deployed ----------------------------------------------------------------------------
.PHONY: build
ARCH ?= arm64
build: $(VENVS)/sam/.ready $(VENVS)/native/.ready  ## sam build into .aws-sam/build; ARCH=arm64 or x86_64
	infra/build $(ARCH) .aws-sam/build

.PHONY: deploy destroy
deploy: $(VENVS)/local/.ready $(VENVS)/sam/.ready $(VENVS)/native/.ready  ## check, build, show the changes, deploy, smoke test, roll back on failure; STAGE=dev, staging or prod
	@STAGE="$(STAGE)" infra/deploy up

destroy: $(VENVS)/local/.ready  ## delete the stack of a stage, not its bucket; STAGE=dev, staging or prod
	@STAGE="$(STAGE)" infra/deploy down

.PHONY: openapi
openapi: $(VENVS)/dev/.ready  ## write docs/openapi.json
	$(DEV)/python tools/docs/write_openapi.py > docs/openapi.json.part
	mv docs/openapi.json.part docs/openapi.json

# ---- monitoring ----------------------------------------------------------------------------------
.PHONY: dashboards dashboard-pictures
dashboards: $(VENVS)/dev/.ready  ## write monitoring/grafana/dashboards; of another table, SUBJECT=name, monitoring/grafana/NAME
	$(DEV)/python monitoring/dashboards/write_dashboards.py

PROMETHEUS ?= http://127.0.0.1:9090
dashboard-pictures: $(VENVS)/dev/.ready  ## draw docs/dashboard-*.png from PROMETHEUS=url
	$(DEV)/python monitoring/dashboards/draw_dashboards.py --prometheus $(PROMETHEUS) --out docs

.PHONY: page-pictures
page-pictures: is-installed $(VENVS)/dev/.ready  ## draw docs/page*.png from the running stack, in Chromium
	@set -a; . .local/env; set +a; PYTHONPATH=tools/docs exec $(DEV)/python tools/docs/draw_page.py --out docs

.PHONY: cost
cost: $(VENVS)/dev/.ready  ## write docs/cost.md
	$(DEV)/python tools/docs/write_cost.py > docs/cost.md.part
	mv docs/cost.md.part docs/cost.md

# ---- benchmarks ----------------------------------------------------------------------------------
.PHONY: bench-serve bench-trees bench-cold bench-model bench-tables bench-ingest bench-scale bench-fleet bench-trust soak
BENCH_ENVIRONMENTS = ours python litserve bentoml mlserver
bench-serve: $(VENVS)/dev/.ready $(VENVS)/local/.ready trees  ## compare the service with its peers
	@$(ENVIRONMENTS) $(BENCH_ENVIRONMENTS:%=$(VENVS)/bench-%/.ready)
	$(DEV)/python -m benchmarks.serve

bench-trees: $(VENVS)/dev/.ready trees  ## compare the library of trees with ONNX Runtime's; MODEL=model/model.onnx
	MODEL="$(MODEL)" $(DEV)/python -m benchmarks.trees

bench-cold: $(VENVS)/dev/.ready $(VENVS)/local/.ready $(VENVS)/functions/.ready $(VENVS)/sam/.ready trees  ## time the first answer of a new process
	$(DEV)/python -m benchmarks.cold

bench-model: $(VENVS)/dev/.ready trees  ## measure the model: error, interval, speed, size; DATA=path.csv
	DATA="$(DATA)" $(DEV)/python -m benchmarks.quality

bench-tables: $(VENVS)/dev/.ready  ## compare the models of two tables of others with scikit-learn's; SEEDS=2
	$(DEV)/python -m benchmarks.tables

bench-ingest: $(VENVS)/dev/.ready  ## compare the check of an upload with pandas.read_csv: time, memory; GB=2
	$(DEV)/python -m benchmarks.ingest

bench-scale: $(VENVS)/dev/.ready  ## measure time and memory of whole jobs; ROWS=20640,200000,1000000
	ROWS="$(or $(ROWS),20640,200000,1000000)" $(DEV)/python -m benchmarks.scale

bench-fleet: $(VENVS)/dev/.ready  ## simulate Lambda's sandboxes at 40, 400 and 4,000 requests a second
	$(DEV)/python -m benchmarks.fleet

bench-trust: $(VENVS)/dev/.ready  ## count which honest and crafted uploads are held; DATA=path.csv
	DATA="$(DATA)" $(DEV)/python -m benchmarks.trust

soak: $(VENVS)/dev/.ready $(VENVS)/local/.ready $(VENVS)/bench-ours/.ready trees  ## run ten minutes of load with promotions and outages
	$(DEV)/python -m benchmarks.soak

# ---- environments --------------------------------------------------------------------------------
.PHONY: lock
lock: $(VENVS)/dev/.ready  ## pin requirements/*.txt
	@UV="$(CURDIR)/$(DEV)/uv" requirements/lock

# The Python of Lambda and of LocalStack.
$(VENVS)/lambda/.ready $(VENVS)/localstack/.ready: PYTHON = $(or $(PYTHON_3_13),python3.13)

# uv installs the others. Where pip cannot get it, pip installs them, in several times the time.
UV = $$(test ! -x $(VENVS)/uv/bin/uv || echo $(VENVS)/uv/bin/uv)
$(VENVS)/uv/.ready: requirements/uv.txt | python-is-new-enough
	@echo "  … environment uv: installing uv, which installs the others (once)"
	@rm -rf $(VENVS)/uv
	@$(PYTHON) -m venv $(VENVS)/uv || { echo "error: $(PYTHON) cannot make environments: install python3-venv" >&2; exit 1; }
	@$(PYTHON) requirements/install.py uv $< $(VENVS)/uv || \
	  { rm -f $(VENVS)/uv/bin/uv; echo "  … environment uv: cannot be had here; pip installs the others, which takes longer"; }
	@touch $@

# An environment is ready when all of its packages are in; one that was interrupted is made anew.
$(VENVS)/%/.ready: requirements/%.txt | python-is-new-enough $(VENVS)/uv/.ready
	@echo "  … environment $*: installing $$(grep -c '==' $<) packages (once; a minute or two at most)"
	@rm -rf $(VENVS)/$*
	@$(PYTHON) -m venv $(VENVS)/$* || { echo "error: $(PYTHON) cannot make environments: install python3-venv" >&2; exit 1; }
	@$(PYTHON) requirements/install.py $* $< $(VENVS)/$* $(UV)
	@case "$*" in local|dev) $(VENVS)/$*/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . ;; \
	  localstack) $(VENVS)/$*/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable local ;; esac
	@touch $@
	@echo "  ✓ environment $*"

.PHONY: python-is-new-enough
python-is-new-enough:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; say which: make PYTHON=python3.12 …" >&2; exit 1; }
