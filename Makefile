# make demo            the whole service with demo data; prints the links
# make demo AUTO=1     a scripted customer and agent play one case (AUTO=mismatch: somebody else's card)
#                      PORT=, HTTP_PORT= and DATA= choose other ports and another data folder
# make install         only the environment, in .venv
# make test            every check and every test, Chromium included
# make shots           pictures of every screen, in docs/images and docs/screens.md
PYTHON ?= python3
V   := .venv
BIN := $(V)/bin
UV  := UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=$(CURDIR)/$(V) $(BIN)/uv
ARGS := $(if $(AUTO),--auto$(if $(filter-out 1,$(AUTO)),=$(AUTO))) $(if $(PORT),--port=$(PORT)) $(if $(HTTP_PORT),--http-port=$(HTTP_PORT))
ROOT := $(filter 0,$(shell id -u))
SERIAL := server or ceph
# The open pack's files are not part of the project; its tests run where the files are at hand.
MODELS := $(wildcard $(or $(TEST_MODELS_DIR),../shared/models))
CLIPS := $(wildcard $(or $(TEST_MEDIA_DIR),../shared/media))
LEFT_OUT := $(if $(ROOT),,and not ceph) $(if $(MODELS),,and not models) $(if $(CLIPS),,and not clips)

# The tests that must reach every branch of the pure code, which pyproject.toml lists for coverage.
PROOFS := tests/contract tests/store/test_search_words.py tests/store/test_folding.py \
	tests/recordings/test_timeline.py tests/recordings/test_chapters.py \
	tests/recordings/test_still_codes.py tests/recordings/test_findings.py tests/recordings/test_manifest.py \
	tests/recordings/test_ledger.py tests/recordings/test_completeness.py \
  $(patsubst %,tests/recordings/test_%.py, cipher papers retention veils) \
  $(patsubst %,tests/kyc/test_%.py, documents mrz consistency card_fields bounds calibration lanes decision \
    challenge continuity injection passive_verdict voice voice_profile answers prompting) \
  $(patsubst %,tests/signaling/test_%.py, desk routing places board hours job_outlook \
    call call_endings call_parties call_supervisors call_work fresh_call arrangement script \
    identify sheet memory questions codes watching masking sign_off sampling) \
  tests/recordings/test_admission.py tests/teller/test_agreement.py tests/teller/test_regime_checks.py \
  $(patsubst %,tests/media/test_%.py, plan answer rtcp twcc unwrap payloads depacketiser quality)

.PHONY: help demo install test check tests shots system lock clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \(.*\)/\1/p' Makefile | head -6
	@echo 'make lock            renew requirements/*.lock and package-lock.json'
	@echo 'make clean           remove the environment and what the checks left behind'

install: $(V)/.demo

demo: install
	@$(BIN)/teller $(if $(DATA),--data=$(DATA)) demo $(strip $(ARGS))

test: system check tests

$(V)/.uv: requirements/uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(V) || { rm -rf $(V); \
	  echo 'No virtual environment could be made; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r $<
	@touch $@

$(V)/.demo $(V)/.dev: $(V)/.%: requirements/%.lock pyproject.toml $(V)/.uv
	@echo 'Installing $(shell grep -c "^[a-z].*==" $<) pinned packages into $(V) ...'
	@$(UV) pip install -q --no-deps --require-hashes -r $<
	@$(UV) pip install -q --no-deps -e .
	@touch $@

node_modules/.stamp: package-lock.json
	@npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

system:
	@requirements/system

check: $(V)/.dev node_modules/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m web_kit.wire_types --check
	node_modules/.bin/tsc --noEmit -p tsconfig.json

tests: $(V)/.dev
	$(if $(ROOT),,@echo 'Not root: the tests against a real Ceph are left out.')
	$(if $(MODELS),,@echo 'TEST_MODELS_DIR names no folder: the tests of the open models are left out.')
	$(if $(CLIPS),,@echo 'TEST_MEDIA_DIR names no folder: the tests on clips of people are left out.')
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m 'not ($(SERIAL)) $(LEFT_OUT)' $(addprefix --ignore=,$(PROOFS))
	$(BIN)/python -m pytest -q -p no:xdist -m '($(SERIAL)) $(LEFT_OUT)'
	$(BIN)/python -m pytest -q -n 2 --cov --cov-fail-under=100 --cov-report=term-missing:skip-covered $(if $(MODELS),,-m 'not models') $(PROOFS)

shots: system $(V)/.dev
	$(BIN)/python -m tests.shots

# insightface and scikit-image come without their dependencies: only pictures inside the wheels are used,
# and insightface would bring the GUI build of OpenCV.
COMPILE := $(UV) pip compile -q --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11
PICTURES = printf 'insightface>=2.1,<3\nscikit-image>=0.25\n' | $(COMPILE) --no-deps - -o

lock: $(V)/.uv
	echo uv | $(COMPILE) - -o requirements/uv.lock
	$(PICTURES) requirements/pictures.part
	$(COMPILE) pyproject.toml --extra postgres -o requirements/demo.part
	cat requirements/demo.part requirements/pictures.part > requirements/demo.lock
	$(COMPILE) pyproject.toml --extra postgres --group dev -c requirements/demo.lock -o requirements/dev.part
	cat requirements/dev.part requirements/pictures.part > requirements/dev.lock
	rm -f requirements/*.part
	@! grep -iE '^opencv-python==|https?://' requirements/*.lock
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund --silent
	@! grep -n '"resolved"' package-lock.json

clean:
	rm -rf $(V) node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
