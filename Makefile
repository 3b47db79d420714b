# make getting-started   run the Getting Started on this machine; make clean-cloud deletes it again.
#                        CLOUD=NAME: in a cloud of clouds.yaml instead
# make check             required for every commit: format, lint, types, unit tests; make format
#                        formats the code
# make test              all tests; works in a new clone at any path
# make soak              the long reliability tests: hours; updates the figures of
#                        docs/reliability.md
# make molecule          a bare Debian 12 and 13 with systemd: prepared, with servers, and rebooted
# make machine           a host that is a virtual machine: cgroup v2, AppArmor, VLANs; rebooted
# make matrix            with the oldest ansible-core that the collection supports, and the newest:
#                        unit tests, sanity, and a play on a real libvirt; and with other versions of
#                        openstacksdk
# make openstack         an OpenStack for the tests, on 127.0.0.1; make openstack-down ends it
# make site              the documents and the reference of all modules as HTML, in build/site/html;
#                        make pictures, make recording: what is drawn and recorded for it
# make bench             the cost of tasks, against an empty task and a plain loop over libvirt;
#                        some minutes on an idle machine; make bench-openstack: 20 servers in an
#                        OpenStack, beside the collection openstack.cloud
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# Only the gates of `make test` run in parallel.
ifneq ($(MAKECMDGOALS),gates)
.NOTPARALLEL:
endif

VENV := $(CURDIR)/.venv
TREE := $(CURDIR)/build
REPORTS := $(TREE)/reports
# Ansible finds a collection only in ansible_collections/NAMESPACE/NAME: a symbolic link.
LINK := $(TREE)/ansible_collections/hanok/cloud

# Only the virtual environment and system directories: ansible-test uses any pythonX.Y in PATH, and
# fails if it does not run.
export PATH := $(VENV)/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export ANSIBLE_COLLECTIONS_PATH := $(TREE)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export LC_ALL := C.UTF-8
# With it Python reads the modules that Ansible passes to it byte by byte.
unexport PYTHONUNBUFFERED

# Ansible prompts once for the password of sudo. -k ignores cached credentials of sudo, because they
# would expire during the run.
ASK = $(shell [ -n "$(CLOUD)" ] || [ "$$(id -u)" = 0 ] || sudo -k -n true 2>/dev/null || echo --ask-become-pass)
# Set ANSIBLE_ARGS=-v for verbose output.
PLAYBOOK = ansible-playbook --inventory localhost, --connection local $(ASK) $(ANSIBLE_ARGS)

.PHONY: help
help:
	@sed -n '/^SHELL/q; s/^# //p' Makefile

# One virtual environment with three sets of packages: for the playbooks, for them in an OpenStack,
# and for the gates.
.PHONY: venv venv-openstack venv-dev
venv: $(VENV)/.ok $(LINK)
venv-openstack: $(VENV)/.ok-openstack $(LINK)
venv-dev: $(VENV)/.ok-dev $(LINK)

$(VENV)/.ok: requirements.txt scripts/bootstrap
	scripts/bootstrap
	/usr/bin/python3 -m venv --clear --system-site-packages $(VENV)
	pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/.ok-openstack: requirements-openstack.txt $(VENV)/.ok
	pip install --quiet --requirement requirements-openstack.txt
	touch $@

$(VENV)/.ok-dev: requirements-dev.txt $(VENV)/.ok-openstack
	pip install --quiet --requirement requirements-dev.txt
	touch $@

$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../.. $@

.PHONY: getting-started clean-cloud packages prepare
ifdef CLOUD
IN_CLOUD := --extra-vars cloud=$(CLOUD) --extra-vars ansible_python_interpreter=$(VENV)/bin/python
getting-started: venv-openstack
	$(PLAYBOOK) $(IN_CLOUD) hanok.cloud.getting_started

clean-cloud: venv-openstack
	$(PLAYBOOK) $(IN_CLOUD) hanok.cloud.teardown
else
getting-started: venv
	$(PLAYBOOK) hanok.cloud.host hanok.cloud.getting_started

clean-cloud: venv
	$(PLAYBOOK) hanok.cloud.teardown
endif

# Only the packages of the host role, to run tests on a machine that is not prepared as a host.
packages: venv
	$(PLAYBOOK) hanok.cloud.host --tags packages

# Builds the images of the tests, which run without a network, from packages of the mirror.
prepare: packages
	$(PLAYBOOK) tests/prepare.yml

.PHONY: check format
check: format-check lint shell-lint ansible-lint types unit

# It also updates the options of modules in the roles that pass them on.
format: venv-dev
	PYTHONPATH=$(TREE) python tests/tools/role_options.py
	ruff check --fix --unsafe-fixes --exit-zero --quiet
	ruff format

.PHONY: format-check lint shell-lint ansible-lint types unit
format-check: venv-dev
	ruff format --check

lint: venv-dev
	ruff check --output-format concise

# SC2016: sh -c 'text' "$argument" is intended, because data must not be part of the text.
shell-lint: venv-dev
	shellcheck --exclude SC2016 $$(grep -lE '^#!.*sh$$' scripts/* .ci/run) \
	  tests/openstack/*.sh tests/hosts/host tests/hosts/vm tests/hosts/*.sh roles/*/files/*.sh

ansible-lint: venv-dev
	ansible-lint -q

types: venv-dev
	mypy --package ansible_collections.hanok.cloud.plugins
	mypy tests/tools
	mypy extensions/eda/plugins/event_source/history.py
	MYPYPATH=tests/openstack mypy $(UNTYPED) tests/openstack

# The services of OpenStack are untyped, and not in this virtual environment.
UNTYPED := --ignore-missing-imports --allow-subclassing-any --no-warn-return-any

# The coverage of what decides may not fall below LEAST per cent. It is that of the tests of the
# planners, without the long one: tracing doubles the time of a test.
LEAST := 65
PLANNERS := $(filter-out %_fold.py,$(wildcard tests/unit/test_plan_*.py))
TRACED := $(LINK)/plugins/module_utils
unit: venv-dev
	pytest --quiet --numprocesses auto --junitxml=$(REPORTS)/unit-plan.xml --cov=$(TRACED)/_model \
	  --cov=$(TRACED)/_plan --cov-report= --cov-fail-under=$(LEAST) $(PLANNERS)
	pytest --quiet --numprocesses auto --junitxml=$(REPORTS)/unit.xml tests/unit tests/contract \
	  $(PLANNERS:%=--ignore=%)

# All gates run, even if one fails, so that one run shows all problems. The last line has the number
# of tests. JOBS gates run at once: most of them use one core, or wait for guests. The output of a
# gate is printed when it ends. pip must not change the environment while Ansible runs from it:
# hence venv-dev before all gates.
JOBS := 3
.PHONY: test gates
test:
	@rm -rf $(REPORTS)
	@status=0; \
	{ $(MAKE) --no-print-directory venv-dev && \
	  $(MAKE) --no-print-directory --keep-going --jobs=$(JOBS) --output-sync=target gates; } || \
	  status=$$?; \
	/usr/bin/python3 tests/tools/summary.py $$status $(REPORTS)

# They start in this order: first what the worlds need, then the worlds, the longest first. The short
# gates run while the images are built, and at the end.
gates: prepare reliability integration check sanity documentation package galaxy

.PHONY: sanity documentation site site-seen package galaxy integration reliability
# ansible-test lists the files with git; without git it would also test .venv. Its output and that
# of pip is shown only on failure. It succeeds if it finds nothing to test, hence the two checks of
# its output.
SANITY_LOG := $(TREE)/sanity.log
sanity: venv-dev
	git ls-files --error-unmatch Makefile >/dev/null
	python tests/tools/prime_ansible_test.py
	version=$$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "ansible-test sanity --local --python $$version"; \
	ANSIBLE_TEST_CONTENT_ROOT=$(LINK) ansible-test sanity --local --python "$$version" --color no \
	  >$(SANITY_LOG) 2>&1 || { cat $(SANITY_LOG); exit 1; }
	! grep 'All targets skipped' $(SANITY_LOG)
	grep -q 'Running sanity test "validate-modules"' $(SANITY_LOG)
	@echo "$$(grep -c '^Running sanity test' $(SANITY_LOG)) sanity tests passed"

documentation: venv-dev site-seen
	antsibull-changelog lint
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self \
	  --disallow-unknown-collection-refs $(LINK)

# Installs packages of the distribution that only one target needs, as root or with sudo.
INSTALL = $$([ "$$(id -u)" = 0 ] || echo sudo) env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120

# What the next release writes, made of the fragments in a copy. The release itself makes it in the
# repository: `antsibull-changelog release`.
CHANGELOG := $(TREE)/changelog/ansible_collections/hanok/cloud/CHANGELOG.rst
.PHONY: changelog
changelog: export ANSIBLE_COLLECTIONS_PATH := $(TREE)/changelog
changelog: venv-dev
	rm -rf $(TREE)/changelog
	install -d $(dir $(CHANGELOG))
	git ls-files -z --cached --others --exclude-standard -- galaxy.yml changelogs meta playbooks \
	  plugins roles | xargs -0 cp --parents --target-directory=$(dir $(CHANGELOG))
	cd $(dir $(CHANGELOG)) && antsibull-changelog release --date 2026-01-01 >/dev/null
	rstcheck --report-level warning $(CHANGELOG)

# The documents of this repository, with the layout that their links require, and the reference of
# modules and roles.
SITE := $(TREE)/site
site: venv-dev changelog
	rm -rf $(SITE)
	install -d -m 755 $(SITE)/source/reference
	cp --parents LICENSE *.md docs/*.md docs/*.cast docs/pictures/*.svg roles/*/README.md \
	  $(SITE)/source
	cp docs/docsite/index.rst $(CHANGELOG) $(SITE)/source
	python tests/tools/recording.py html docs/getting-started.cast >$(SITE)/source/recording.html
	antsibull-docs collection --use-current --squash-hierarchy --fail-on-error \
	  --no-add-antsibull-docs-version --dest-dir $(SITE)/source/reference hanok.cloud
	sed -i '/^.. contents::/,/^$$/d' $(SITE)/source/reference/*.rst # the theme has them at the side
	sphinx-build -q --fail-on-warning --keep-going --conf-dir docs/docsite $(SITE)/source $(SITE)/html
	@echo $(SITE)/html/index.html

# The site as a browser shows it, on a screen and on a telephone.
site-seen: site prepare
	pytest --quiet --junitxml=$(REPORTS)/site.xml tests/site

# The pictures of the documents, drawn from text. The results are in the repository, so that they are
# seen wherever the documents are read; tests/unit/test_documents.py finds one that is out of date.
DRAWN := $(patsubst %.dot,%.svg,$(wildcard docs/pictures/*.dot))
.PHONY: pictures recording
pictures: $(DRAWN)
docs/pictures/%.svg: docs/pictures/%.dot Makefile
	command -v dot >/dev/null || $(INSTALL) graphviz
	dot -Tsvg $(DRAWING) $< | sed '/^<!-- Generated/,/-->/d' >$@
	echo "<!-- $$(sha256sum <$< | cut -c 1-64) -->" >>$@

FONT := Helvetica,Arial,sans-serif
DRAWING := -Gfontname=$(FONT) -Nfontname=$(FONT) -Efontname=$(FONT) -Gfontsize=12 -Nfontsize=12 \
  -Efontsize=12 -Gbgcolor=white -Gcolor=slategray3 -Gstyle=rounded -Gpad=0.1 -Gnodesep=0.3 \
  -Nshape=box -Nstyle=rounded,filled -Nfillcolor=white -Ncolor=slategray4 -Nheight=0.3 \
  -Nmargin=0.12,0.06 -Ecolor=slategray4 -Earrowsize=0.7

# The Getting Started as it is shown on the first page of the site, recorded from a real run.
recording: prepare
	scripts/world bash -c '$(PLAYBOOK) hanok.cloud.host && \
	  $(VENV)/bin/python tests/tools/recording.py record docs/getting-started.cast \
	  $(PLAYBOOK) hanok.cloud.getting_started'

# The collection as users install it: the package contains exactly these files, is installed without
# a network, and the documentation of each module and role is read from the installed collection.
# ansible-doc skips a role without documentation.
PACKAGE := $(TREE)/package
SHIPPED := LICENSE ':(glob)*.md' ':(glob)*.rst' changelogs docs examples extensions meta playbooks plugins roles \
  ':(exclude)extensions/molecule'
package: export ANSIBLE_COLLECTIONS_PATH := $(PACKAGE)
package: venv-dev
	rm -rf $(PACKAGE)
	ansible-galaxy collection build --output-path $(PACKAGE) >/dev/null
	diff <(tar --list --file $(PACKAGE)/*.tar.gz | grep -v '/$$' | sort) \
	  <({ git ls-files --cached --others --exclude-standard -- $(SHIPPED); \
	      printf '%s\n' FILES.json MANIFEST.json; } | sort)
	ansible-galaxy collection install --offline $(PACKAGE)/hanok-cloud-*.tar.gz >/dev/null
	cd $(PACKAGE)/ansible_collections/hanok/cloud/plugins/modules; \
	ansible-doc --type module $$(printf 'hanok.cloud.%s\n' *.py | sed 's/\.py$$//') >/dev/null
	ansible-doc --type inventory hanok.cloud.servers >/dev/null
	ansible-doc --type connection hanok.cloud.agent >/dev/null
	ansible-doc --type filter hanok.cloud.most_room >/dev/null
	cd $(PACKAGE)/ansible_collections/hanok/cloud/roles; \
	[ "$$(ansible-doc --type role $$(printf 'hanok.cloud.%s\n' *) | grep -c '^> ROLE')" = \
	  "$$(ls | wc -l)" ]
	@ls $(PACKAGE)/*.tar.gz

# The checks of Galaxy for uploads. The importer logs most problems and succeeds nevertheless, hence
# the check of its output. ansible-lint and ansible-test are separate gates.
GALAXY_LOG := $(TREE)/galaxy.log
galaxy: export GALAXY_IMPORTER_RUN_ANSIBLE_LINT := false
galaxy: export GALAXY_IMPORTER_CHECK_REQUIRED_TAGS := true
galaxy: package
	cd $(PACKAGE); python -m galaxy_importer.main *.tar.gz >$(GALAXY_LOG) 2>&1 || \
	  { cat $(GALAXY_LOG); exit 1; }
	! grep -E '^(WARNING|ERROR|CRITICAL)' $(GALAXY_LOG)
	@echo "galaxy-importer: $$(grep -c '^Loading' $(GALAXY_LOG)) contents, no problems"

# The collection awx.awx, which the playbook awx_configure needs, is in the package ansible.
AWX := $(TREE)/awx/ansible_collections/awx
$(AWX): requirements-dev.txt
	pip download --quiet --no-deps --dest $(TREE)/awx ansible==12.3.0
	cd $(TREE)/awx; python -c 'import sys, zipfile; packed = zipfile.ZipFile(sys.argv[1]); \
	  packed.extractall(members=[name for name in packed.namelist() if "/awx/" in name])' *.whl
	rm $(TREE)/awx/*.whl
	touch $@

# Tests with real servers, in worlds that leave nothing behind. Each file that takes minutes has a
# world of its own. All other files share three, because every world must be prepared as a host
# first: one has those about what reaches hosts and servers from elsewhere, one those that boot many
# guests, which need a core, and one the rest, which mostly waits.
# The longest come first, so that no core is idle at the end. The bytecode of the modules is cached,
# because the tests start them a thousand times.
WORLDS := contract others guests examples openstack debian getting_started roles elsewhere ground \
  uninstall
LONG := $(filter-out contract others guests elsewhere,$(WORLDS))
ELSEWHERE := agent_connection awx events inventory looking remote several_hosts
GUESTS := backups console guests hardware modules server_actions snapshots volumes
INTEGRATION := $(WORLDS:%=integration-%)
PYTEST_INTEGRATION = scripts/world env -u PYTHONDONTWRITEBYTECODE \
  $(VENV)/bin/pytest --junitxml=$(REPORTS)/$@.xml
.PHONY: $(INTEGRATION)
integration: $(INTEGRATION)

$(LONG:%=integration-%): integration-%: venv-dev prepare
	$(PYTEST_INTEGRATION) $(CONTRACT) tests/integration/test_$*.py

integration-contract: venv-dev prepare
	$(PYTEST_INTEGRATION) --cloud local tests/contract

integration-elsewhere: venv-dev prepare $(AWX)
	$(PYTEST_INTEGRATION) $(ELSEWHERE:%=tests/integration/test_%.py)

integration-guests: venv-dev prepare
	$(PYTEST_INTEGRATION) $(GUESTS:%=tests/integration/test_%.py)

integration-others: venv-dev prepare
	$(PYTEST_INTEGRATION) tests/integration \
	  $(patsubst %,--ignore=tests/integration/test_%.py,$(LONG) $(ELSEWHERE) $(GUESTS))

# An OpenStack on the loopback device of a world, which is deleted with the world.
integration-openstack: export OPENSTACK_HOME := /run/openstack
integration-openstack: export OPENSTACK_VENV := $(TREE)/openstack/venv
integration-openstack: CONTRACT := --cloud openstack tests/contract
integration-openstack: openstack-packages

# It needs no root; the programs that it needs are installed by `make prepare`.
.PHONY: openstack openstack-packages openstack-down
openstack:
	scripts/bootstrap
	tests/openstack/up.sh

openstack-packages:
	env -u OPENSTACK_HOME -u OPENSTACK_VENV tests/openstack/up.sh --packages

openstack-down:
	tests/openstack/down.sh --wipe

# These tests count their trials in reliability.json.
reliability: venv-dev prepare
	rm -f $(REPORTS)/reliability.json
	$(PYTEST_INTEGRATION) tests/reliability

# ansible-rulebook, whose rule engine is written in Java.
EVENTS := $(TREE)/events/.ok
$(EVENTS): tests/events/requirements.txt requirements.txt
	command -v java >/dev/null || apt-get install -y -q --no-install-recommends default-jre-headless
	/usr/bin/python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

# Two worlds at once, because killed tasks wait most of the time. Both write to one file; if both
# succeed, it becomes the table of docs/reliability.md.
SOAKED := agent_connection awx debian discs events examples ground recover roles several_hosts \
  uninstall
SOAK = scripts/world $(VENV)/bin/pytest --soak --junitxml=$(REPORTS)/$(1).xml
.PHONY: soak
soak: export OPENSTACK_HOME := /run/openstack
soak: export OPENSTACK_VENV := $(TREE)/openstack/venv
soak: venv-dev packages openstack-packages $(AWX) $(EVENTS)
	$(PLAYBOOK) tests/prepare.yml --extra-vars soak=true
	rm -f $(REPORTS)/reliability.json
	$(call SOAK,soak-killed) tests/reliability/test_killed.py & killed=$$!; failed=0; \
	$(call SOAK,soak) $(addprefix tests/integration/test_,$(SOAKED:%=%.py)) \
	  tests/reliability --ignore tests/reliability/test_killed.py || failed=1; \
	wait $$killed || failed=1; \
	$(call SOAK,soak-openstack) --cloud openstack tests/contract tests/integration/test_openstack.py \
	  || failed=1; \
	$(MAKE) --no-print-directory molecule || failed=1; \
	$(MAKE) --no-print-directory machine || failed=1; \
	exit $$failed
	python tests/reliability/figures.py

# Other versions of ansible-core: the oldest that meta/runtime.yml names, and the newest, which needs
# a newer Python than Debian 12 has. Each has a virtual environment of its own, of which the gates
# are made as of the usual one. The modules run with the Python of the distribution.
MATRIX := 2.18 2.21
NEWER_PYTHON := $(firstword $(foreach version,3.14 3.13 3.12,$(wildcard \
  /usr/bin/python$(version) /usr/local/bin/python$(version) \
  $(HOME)/.pyenv/versions/$(version)*/bin/python$(version))))
PYTHON_2.18 := /usr/bin/python3
PYTHON_2.21 = $(or $(NEWER_PYTHON),$(error ansible-core 2.21 needs Python 3.12 or newer; install it))
# Other versions of openstacksdk, the oldest first; the usual environment has the newest.
SDKS := 1.5.0 4.20.0
.PHONY: matrix matrix-play $(MATRIX:%=matrix-%) $(SDKS:%=matrix-sdk-%)
matrix: $(MATRIX:%=matrix-%) $(SDKS:%=matrix-sdk-%)

$(MATRIX:%=$(TREE)/matrix/%/.made): $(TREE)/matrix/%/.made: tests/matrix/%.txt
	$(PYTHON_$*) -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

# The marks say that it is complete: the packages of the usual environment do not belong in it.
$(MATRIX:%=matrix-%): matrix-%: $(TREE)/matrix/%/.made prepare $(LINK)
	touch $(addprefix $(TREE)/matrix/$*/,.ok .ok-openstack .ok-dev)
	$(MAKE) --no-print-directory VENV=$(TREE)/matrix/$* REPORTS=$(TREE)/matrix/$*/reports \
	  unit sanity matrix-play

matrix-play:
	scripts/world ansible-playbook --inventory localhost, --connection local \
	  hanok.cloud.host tests/matrix/play.yml

$(SDKS:%=$(TREE)/matrix/sdk-%/.made): $(TREE)/matrix/sdk-%/.made: $(VENV)/.ok-dev
	rm -rf $(@D)
	pip install --quiet --target $(@D) openstacksdk==$*
	touch $@

$(SDKS:%=matrix-sdk-%): export OPENSTACK_HOME := /run/openstack
$(SDKS:%=matrix-sdk-%): export OPENSTACK_VENV := $(TREE)/openstack/venv
$(SDKS:%=matrix-sdk-%): matrix-sdk-%: $(TREE)/matrix/sdk-%/.made prepare openstack-packages
	PYTHONPATH=$(TREE)/matrix/sdk-$* $(PYTEST_INTEGRATION) --cloud openstack tests/contract

# Bare hosts with systemd as PID 1, one after the other: extensions/molecule.
HOSTS := debian12 debian13
.PHONY: molecule
molecule: venv-dev prepare
	$(PLAYBOOK) tests/hosts/prepare.yml
	failed=0; for host in $(HOSTS); do \
	  molecule test --scenario-name $$host || failed=1; done; exit $$failed

# A Debian 13 with a kernel of its own, in QEMU: tests/hosts/vm. Needs root.
.PHONY: machine
machine: venv-dev prepare
	$(PLAYBOOK) tests/hosts/prepare.yml
	pytest --junitxml=$(REPORTS)/machine.xml tests/machine

# Prints a table of ratios; all measured times are in bench.json. It never fails on a result.
.PHONY: bench
bench: prepare
	scripts/world $(VENV)/bin/python tests/bench/bench.py $(REPORTS)/bench.json

# The collection openstack.cloud is in the package ansible; 2.5.0 does not work with a newer SDK.
PEER := $(TREE)/bench-openstack
$(PEER)/.ok:
	/usr/bin/python3 -m venv --clear $(PEER)/venv
	$(PEER)/venv/bin/pip install --quiet openstacksdk==4.12.0
	pip download --quiet --no-deps --dest $(PEER) ansible==12.3.0
	cd $(PEER); python -c 'import sys, zipfile; packed = zipfile.ZipFile(sys.argv[1]); \
	  packed.extractall(members=[name for name in packed.namelist() if "/openstack/" in name])' *.whl
	touch $@

.PHONY: bench-openstack
bench-openstack: export OPENSTACK_HOME := /run/openstack
bench-openstack: export OPENSTACK_VENV := $(TREE)/openstack/venv
bench-openstack: venv-dev prepare openstack-packages $(PEER)/.ok
	scripts/world env PYTHONPATH=$(TREE) $(VENV)/bin/python tests/bench/openstack.py $(REPORTS)/bench-openstack.json
