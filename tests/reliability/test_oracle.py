# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check mode oracle: random tasks on random states.

Check mode changes not one byte of the host, and predicts exactly what the run does. States are
created by earlier tasks, by a killed run (a task_state), and on a host where rules were flushed and
domains suspended, destroyed or undefined. Servers run without an operating system: tasks that need
an answer of the guest are left out.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.server_action import ACTIONS
from ansible_collections.hanok.cloud.tests.integration.conftest import backup_stores
from ansible_collections.hanok.cloud.tests.removal import REMOVAL

from . import figures
from .forks import ForkServer, ModuleRun
from .invariants import STATE, domains, output_of, resources, rows, violations
from .predictions import check_refusal, check_result, check_unchanged
from .random_tasks import OPTIONS, Step, is_event, one, tasks

FOLDERS = ('/var/lib/hanok', '/etc/hanok', '/etc/libvirt', '/var/lib/libvirt')
WRITTEN_AT_ANY_TIME = ('-shm', '-wal', '.status', '.status.new', '.fd')
TPMS = '/var/lib/libvirt/swtpm/'
RUNNING = ('/run/libvirt/qemu', '/run/libvirt/lxc', '/run/libvirt/network', '/sys/class/net')


def observe() -> dict[str, Any]:
    """The host from outside: every file by its stat (writes change its ctime), and what runs.

    The firewall, routes and proxies are included.
    """
    found: dict[str, Any] = {}
    for top in FOLDERS:
        for folder, _folders, files in os.walk(top):
            for name in ['.', *files]:
                path = os.path.join(folder, name)
                # Files of SQLite, and what dnsmasq, EFI and TPMs write at any time.
                if not (name.endswith(WRITTEN_AT_ANY_TIME) or folder.startswith(TPMS)):
                    is_folder = name == '.'
                    about = os.lstat(path)
                    # The two files of SQLite come and go in the directory of the record.
                    times = (about.st_size, about.st_mtime_ns, about.st_ctime_ns)
                    found[path] = (
                        about.st_mode,
                        about.st_uid,
                        about.st_gid,
                        about.st_ino,
                        0 if is_folder else times,
                    )
    for folder in filter(os.path.isdir, RUNNING):
        found[folder] = sorted(os.listdir(folder))
    # A bridge without devices becomes linkdown after a moment.
    for command in ('nft list ruleset', 'ip route', 'ip neigh show proxy'):
        found[command] = output_of(*command.split()).replace(' linkdown', '')
    return found


# The states of a killed run: between its first and its last transaction a resource has a
# task_state. The conditions select those that can be in this state.
INTERRUPTED = (
    ('server', 'creating', ''),
    ('server', 'updating', ''),
    ('server', 'deleting', ''),
    ('volume', 'creating', ' AND server_id IS NULL'),
    ('volume', 'extending', ''),
    ('volume', 'attaching', ' AND server_id IS NOT NULL AND NOT bootable'),
    ('volume', 'detaching', ' AND server_id IS NOT NULL AND NOT bootable'),
    ('volume', 'deleting', ' AND server_id IS NULL'),
    ('volume_snapshot', 'creating', ''),
    ('volume_snapshot', 'restoring', ''),
    ('volume_snapshot', 'deleting', ''),
    ('backup', 'creating', ''),
    ('backup', 'restoring', ''),
    ('backup', 'deleting', ''),
    ('server_snapshot', 'creating', ''),
    ('server_snapshot', 'restoring', ''),
    ('server_snapshot', 'deleting', ''),
    ('balancer', 'creating', ''),
    ('balancer', 'updating', ''),
    ('balancer', 'deleting', ''),
    (
        'network',
        'deleting',
        " AND name <> 'default' AND NOT EXISTS (SELECT 1 FROM port WHERE network_id = network.id)",
    ),
    ('image', 'deleting', ' AND NOT EXISTS (SELECT 1 FROM server WHERE image_id = image.id)'),
)


# What an administrator may do with virsh: how to list the domains, and what to do with one of them.
MACHINES, CONTAINERS = ('-c', 'qemu:///system'), ('-c', 'lxc:///system')
BY_HAND = (
    ((*MACHINES, 'list', '--name', '--state-running'), (*MACHINES, 'suspend')),
    ((*MACHINES, 'list', '--name', '--state-running'), (*MACHINES, 'destroy')),
    ((*MACHINES, 'list', '--all', '--name', '--persistent'), (*MACHINES, 'undefine', '--nvram')),
    ((*CONTAINERS, 'list', '--name'), (*CONTAINERS, 'destroy')),
    ((*CONTAINERS, 'list', '--all', '--name', '--persistent'), (*CONTAINERS, 'undefine')),
    (('net-list', '--name'), ('net-destroy',)),
)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A task of any module, or sometimes a change of the host by others."""
    if draw(st.integers(0, 9)) == 0:
        interrupted = [
            ('interrupt', {'table': table, 'task_state': state, 'where': where})
            for table, state, where in INTERRUPTED
        ]
        by_hand = [
            ('by hand', {'which': which, 'how': how, 'number': number})
            for which, how in BY_HAND
            for number in range(2)
        ]
        return draw(one(('flush', {}), *interrupted, *by_hand))
    return draw(tasks(OPTIONS))


# ---- the oracle --------------------------------------------------------------


class Oracle:
    """Runs each task in check mode, then really, then again; and counts."""

    def __init__(self, forks: ForkServer, image: str) -> None:
        """Create the one image; nothing is counted yet."""
        self.forks = forks
        self.image: Step = ('image', {'name': 'oracle', 'path': image})
        self.others = {name for _kind, name in resources()}
        assert self.run_task(self.image).changed
        self.existing = resources()
        self.states = self.changes = self.refusals = 0

    def run_task(self, step: Step, check: bool = False) -> ModuleRun:
        """Run a task and check that it ends with a proper message."""
        found = self.forks.run(*step, check=check)
        assert not found.faults(), found.faults()
        return found

    def try_(self, step: Step) -> None:
        """Test one task."""
        module, options = step
        if module == 'flush':
            output_of('nft', 'flush', 'ruleset')
            return
        if module == 'interrupt':
            _interrupt(self.others, **options)
            return
        if module == 'by hand':
            _by_hand(**options)
            return
        if module == 'backup':
            step = (module, {**options, 'force': True})
        if module in ('server', 'server_action'):
            step = (module, _without_guest(options))
        if module == 'volume' and _needs_guest(options):
            return
        self.states += 1
        before = observe()
        predicted = self.run_task(step, check=True)
        assert _differences(before, observe()) == []
        result = self.run_task(step)
        if result.failed:
            self.refusals += 1
            check_refusal(predicted.result, result.result)
            assert _differences(before, observe()) == []
        else:
            self.changes += result.changed
            check_result(predicted.result, result.result)
            if not is_event(step):
                self._check_idempotent(step)

    def _check_idempotent(self, step: Step) -> None:
        """The second run changes nothing."""
        before = observe()
        for check in (True, False):
            repeated = self.run_task(step, check)
            check_unchanged(repeated.result)
        assert _differences(before, observe()) == []

    def delete_all(self) -> None:
        """Delete everything."""
        for (full_name,) in rows('SELECT name FROM volume_snapshot'):
            volume, name = full_name.split('/')
            which = {'volume': volume, 'name': name}
            assert not self.run_task(('volume_snapshot', {**which, 'state': 'absent'})).failed
        for (name,) in rows('SELECT name FROM backup'):
            options = {'name': name, 'state': 'absent', 'delete_protection': False}
            assert not self.run_task(('backup', options)).failed
        for kind, name in sorted(
            resources() - self.existing, key=lambda thing: (REMOVAL.index(thing[0]), thing[1])
        ):
            means_it = {'delete_protection': False, 'delete_snapshots': True}
            allowed = means_it if kind == 'server' else {}
            deleted = self.run_task((kind, {'name': name, 'state': 'absent', **allowed}))
            assert not deleted.failed, deleted.msg
        self.run_task(self.image)
        self.run_task(
            (
                'security_group',
                {
                    'name': 'default',
                    'rules': [],
                    'description': 'the group of servers for which none is named',
                    'labels': {},
                },
            )
        )
        assert violations() == []


def _interrupt(others: set[str], table: str, task_state: str, where: str) -> None:
    """Leave a resource as a killed run does; not one that existed before the tests."""
    with sqlite3.connect(f'{STATE}/hanok.db') as record:
        chosen = (
            f'SELECT id FROM {table} WHERE task_state IS NULL '
            f'AND name NOT IN (SELECT value FROM json_each(?)) {where} ORDER BY id LIMIT 1'
        )
        record.execute(
            f'UPDATE {table} SET task_state = ? WHERE id IN ({chosen})',
            (task_state, json.dumps(sorted(others))),
        )
    record.close()


def _by_hand(which: Sequence[str], how: Sequence[str], number: int) -> None:
    """Do something to one of the listed domains or networks, if there is any."""
    names = sorted(output_of('virsh', *which).split())
    if names:
        output_of('virsh', *how, names[number % len(names)])


def _running() -> set[str]:
    """The servers that run, or are paused."""
    machines = domains('qemu:///system')
    return {
        row['name'] for row in rows('SELECT name, uuid FROM server') if machines.get(row['uuid'])
    }


def _without_guest(options: dict[str, Any]) -> dict[str, Any]:
    """Force a stop, and do not allow a restart of a running server: no guest would answer."""
    action = options.get('action')
    if action:
        return {**options, 'force': True} if 'force' in ACTIONS[action].possible else options
    forced = {**options, 'force': True}
    members = {f'{options["name"]}-{number}' for number in range(1, 4)}
    if _running() & {options['name'], *members}:
        forced['allow_restart'] = False
    return forced


def _needs_guest(options: dict[str, Any]) -> bool:
    """Whether a guest would have to release a volume.

    It is detached, or attached to another server, or a detach was interrupted.
    """
    query = (
        'SELECT v.name, s.name AS server, v.task_state '
        'FROM volume v JOIN server s ON s.id = v.server_id'
    )
    for row in rows(query):
        stays = (
            options.get('state') != 'detached'
            and options.get('server') in (None, row['server'])
            and row['task_state'] != 'detaching'
        )
        if row['name'] == options['name'] and not stays and row['server'] in _running():
            return True
    return False


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[Any]:
    return [
        (key, before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


@pytest.fixture(scope='module')
def oracle(bridge: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """An oracle on a host with one image, which is blank: a server of it does nothing."""
    blank = tmp_path_factory.mktemp('oracle') / 'blank.qcow2'
    output_of('qemu-img', 'create', '-q', '-f', 'qcow2', str(blank), '64M')
    forks = ForkServer()
    found = Oracle(forks, str(blank))
    with backup_stores(disk=tmp_path_factory.mktemp('backups')):
        yield found
    assert forks.run('image', {'name': 'oracle', 'state': 'absent'}).changed
    forks.close()
    figures.add(
        'Check mode oracle', states=found.states, changes=found.changes, refusals=found.refusals
    )


def test_check_mode_predicts_the_run(oracle: Oracle, soak: bool) -> None:
    """From an empty host, tasks one after the other."""

    # Examples are not shrunk: one takes seconds, and the message contains the failing task.
    @settings(
        max_examples=100 if soak else 6,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(steps(), min_size=20, max_size=20))
    def from_nothing(tasks: list[Step]) -> None:
        for number, task in enumerate(tasks):
            try:
                oracle.try_(task)
            except AssertionError as error:
                raise AssertionError(f'task {number}: {task}: {error}') from error
        oracle.delete_all()

    from_nothing()
    assert oracle.changes > oracle.refusals / 4
