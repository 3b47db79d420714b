# make getting-started   the Getting Started on this machine; make clean-cloud takes it off again
# make check             what every commit must pass: format, lint, types, unit tests; make format mends the format
# make test              everything, from a fresh clone at any path
# make soak              the tests of reliability in their long form: hours; writes the figures of docs/reliability.md
# make site              the documents and the reference of all modules as HTML, in build/site/html
# make bench             what tasks cost, against an empty task and a bare loop over libvirt; some minutes on a machine that does nothing else
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := $(CURDIR)/.venv
TREE := $(CURDIR)/build
REPORTS := $(TREE)/reports
# Ansible finds a collection only under ansible_collections/NAMESPACE/NAME: a link stands there for the clone.
LINK := $(TREE)/ansible_collections/hanok/cloud

# The virtual environment and the system's own folders, nothing else: ansible-test takes any pythonX.Y that it finds, and fails on one that does not run.
export PATH := $(VENV)/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ANSIBLE_COLLECTIONS_PATH := $(TREE)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export LC_ALL := C.UTF-8

# Ansible asks once for the password that sudo would ask for. -k: a password that was given a moment ago does not count, it expires during the run.
ASK = $(shell [ "$$(id -u)" = 0 ] || sudo -k -n true 2>/dev/null || echo --ask-become-pass)
# ANSIBLE_ARGS=-v for more to read.
PLAYBOOK = ansible-playbook --inventory localhost, --connection local $(ASK) $(ANSIBLE_ARGS)

.PHONY: help
help:
	@sed -n 's/^# make/make/p' Makefile

# Two virtual environments in one: what the playbooks need, then what the gates need.
.PHONY: venv venv-dev
venv: $(VENV)/.ok $(LINK)
venv-dev: $(VENV)/.ok-dev $(LINK)

$(VENV)/.ok: requirements.txt scripts/bootstrap
	scripts/bootstrap
	/usr/bin/python3 -m venv --clear --system-site-packages $(VENV)
	pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/.ok-dev: requirements-dev.txt $(VENV)/.ok
	pip install --quiet --requirement requirements-dev.txt
	touch $@

$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../.. $@

.PHONY: getting-started clean-cloud packages prepare
getting-started: venv
	$(PLAYBOOK) hanok.cloud.host hanok.cloud.getting_started

clean-cloud: venv
	$(PLAYBOOK) hanok.cloud.teardown

# Only what the host role installs, to test on a machine that is not made into a cloud.
packages: venv
	$(PLAYBOOK) hanok.cloud.host --tags packages

# They are built from packages, which have to be fetched: before the tests go where there is no network.
prepare: packages
	$(PLAYBOOK) tests/prepare.yml

.PHONY: check format
check: format-check lint shell-lint ansible-lint types unit

format: venv-dev
	ruff check --fix --unsafe-fixes --exit-zero --quiet
	ruff format

.PHONY: format-check lint shell-lint ansible-lint types unit
format-check: venv-dev
	ruff format --check

lint: venv-dev
	ruff check --output-format concise

# The scripts without a suffix; those with one are ansible-test's. SC2016: sh -c 'text' "$argument" is meant so, data does not belong into the text.
shell-lint: venv-dev
	shellcheck --exclude SC2016 $$(grep -lE '^#!.*sh$$' scripts/* .ci/run)

ansible-lint: venv-dev
	ansible-lint -q

types: venv-dev
	mypy --package ansible_collections.hanok.cloud.plugins
	mypy tests/tools

unit: venv-dev
	pytest --quiet --numprocesses auto --junitxml=$(REPORTS)/unit.xml tests/unit

# Every gate runs, also after one that failed: one run tells all there is to mend. The last line counts the tests of all of them.
.PHONY: test gates
test:
	@rm -rf $(REPORTS)
	@status=0; $(MAKE) --no-print-directory --keep-going gates || status=$$?; /usr/bin/python3 tests/tools/summary.py $$status $(REPORTS)

gates: check sanity documentation package galaxy integration reliability

.PHONY: sanity documentation site package galaxy integration reliability
# ansible-test asks git which files there are; without it, it would go through .venv too.
# What pip and ansible-test say is worth reading only when it failed. It ends well when it found nothing to test: hence the two looks at what it said.
SANITY_LOG := $(TREE)/sanity.log
sanity: venv-dev
	git ls-files --error-unmatch Makefile >/dev/null
	python tests/tools/prime_ansible_test.py
	version=$$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "ansible-test sanity --local --python $$version"; \
	ANSIBLE_TEST_CONTENT_ROOT=$(LINK) ansible-test sanity --local --python "$$version" --color no >$(SANITY_LOG) 2>&1 || { cat $(SANITY_LOG); exit 1; }
	! grep 'All targets skipped' $(SANITY_LOG)
	grep -q 'Running sanity test "validate-modules"' $(SANITY_LOG)
	@echo "$$(grep -c '^Running sanity test' $(SANITY_LOG)) sanity tests passed"

documentation: venv-dev site
	antsibull-changelog lint
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self --disallow-unknown-collection-refs $(LINK)

# The documents of this repository, at the places where their links expect each other, and the reference of modules and roles.
SITE := $(TREE)/site
site: venv-dev
	rm -rf $(SITE)
	install -d -m 755 $(SITE)/source/reference
	cp --parents LICENSE README*.md docs/*.md roles/*/README.md $(SITE)/source
	cp docs/docsite/index.rst $(SITE)/source
	antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --no-add-antsibull-docs-version --dest-dir $(SITE)/source/reference hanok.cloud
	sphinx-build -q --fail-on-warning --keep-going --conf-dir docs/docsite $(SITE)/source $(SITE)/html
	@echo $(SITE)/html/index.html

# The collection as a user gets it: built, of these files and no others; installed without a network; the documentation of each module and role read from
# what was installed. ansible-doc passes over a role that has none.
PACKAGE := $(TREE)/package
SHIPPED := LICENSE README*.md changelogs docs meta playbooks plugins roles
package: export ANSIBLE_COLLECTIONS_PATH := $(PACKAGE)
package: venv-dev
	rm -rf $(PACKAGE)
	ansible-galaxy collection build --output-path $(PACKAGE) >/dev/null
	diff <(tar --list --file $(PACKAGE)/*.tar.gz | grep -v '/$$' | sort) \
	  <({ git ls-files --cached --others --exclude-standard -- $(SHIPPED); printf '%s\n' FILES.json MANIFEST.json; } | sort)
	ansible-galaxy collection install --offline $(PACKAGE)/hanok-cloud-*.tar.gz >/dev/null
	cd $(PACKAGE)/ansible_collections/hanok/cloud/plugins/modules; ansible-doc --type module $$(printf 'hanok.cloud.%s\n' *.py | sed 's/\.py$$//') >/dev/null
	cd $(PACKAGE)/ansible_collections/hanok/cloud/roles; for role in *; do ansible-doc --type role "hanok.cloud.$$role" | grep '^> ROLE' >/dev/null; done
	@ls $(PACKAGE)/*.tar.gz

# What Galaxy checks of what is handed in. It logs most of what it finds and ends well all the same: hence the look at what it said.
# ansible-lint and ansible-test are gates of their own.
GALAXY_LOG := $(TREE)/galaxy.log
galaxy: export GALAXY_IMPORTER_RUN_ANSIBLE_LINT := false
galaxy: export GALAXY_IMPORTER_CHECK_REQUIRED_TAGS := true
galaxy: package
	cd $(PACKAGE); python -m galaxy_importer.main *.tar.gz >$(GALAXY_LOG) 2>&1 || { cat $(GALAXY_LOG); exit 1; }
	! grep -E '^(WARNING|ERROR|CRITICAL)' $(GALAXY_LOG)
	@echo "galaxy-importer: $$(grep -c '^Loading' $(GALAXY_LOG)) contents, nothing to mend"

# On real machines, each in a world of its own that leaves nothing behind.
integration: venv-dev prepare
	scripts/world $(VENV)/bin/pytest --junitxml=$(REPORTS)/integration.xml tests/integration

# They count what they try, in reliability.json.
reliability: venv-dev prepare
	rm -f $(REPORTS)/reliability.json
	scripts/world $(VENV)/bin/pytest --junitxml=$(REPORTS)/reliability.xml tests/reliability

# Two worlds at once: who is killed waits most of the time. Both count into one file; when both went well it becomes the table of docs/reliability.md.
SOAK = scripts/world $(VENV)/bin/pytest --soak --junitxml=$(REPORTS)/$(1).xml
.PHONY: soak
soak: venv-dev prepare
	rm -f $(REPORTS)/reliability.json
	$(call SOAK,soak-killed) tests/reliability/test_killed.py & killed=$$!; failed=0; \
	$(call SOAK,soak) tests/integration/test_ground.py tests/integration/test_recover.py tests/reliability --ignore tests/reliability/test_killed.py || failed=1; \
	wait $$killed || failed=1; \
	exit $$failed
	python tests/reliability/figures.py

# It measures and judges nothing; the table is on the screen, and with every single time in bench.json.
.PHONY: bench
bench: prepare
	scripts/world $(VENV)/bin/python tests/bench/bench.py $(REPORTS)/bench.json
