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
import re
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb
from ansible_collections.hanok.cloud.tests.option_values import option_values

from . import figures
from .forks import ForkServer, ModuleRun
from .invariants import REMOVAL, STATE, output_of, resources, rows, violations

FOLDERS = ('/var/lib/hanok', '/etc/hanok', '/etc/libvirt', '/var/lib/libvirt')
RUNNING = ('/run/libvirt/qemu', '/run/libvirt/lxc', '/run/libvirt/network', '/sys/class/net')
NOTHING = {'before': '', 'after': ''}
Step = tuple[str, dict[str, Any]]


def observe() -> dict[str, Any]:
    """The host from outside: every file by its stat (writes change its ctime), and what runs.

    The firewall, routes and proxies are included.
    """
    found: dict[str, Any] = {}
    for top in FOLDERS:
        for folder, _folders, files in os.walk(top):
            for name in ['.', *files]:
                path = os.path.join(folder, name)
                # Files of SQLite, and the leases that dnsmasq writes at any time.
                if not name.endswith(('-shm', '-wal', '.status', '.status.new')):
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


# ---- random tasks ------------------------------------------------------------

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7l'
ADDRESSES = ('198.18.0.7', '198.18.0.8', '10.99.0.1')
CIDRS = ('10.50.0.0/24', '10.50.0.0/25', '10.51.0.0/29', '192.168.0.0/24')


def one(*values: Any) -> st.SearchStrategy[Any]:
    """One of some values."""
    return st.sampled_from(values)


def some(*values: Any, least: int = 0) -> st.SearchStrategy[list[Any]]:
    """Up to two of some values, in any order."""
    chosen = [item for number in range(least, 3) for item in permutations(values, number)]
    return st.sampled_from([list(item) for item in chosen])


DESCRIBED = {
    'description': one('', 'one', "it's <another> & more"),
    'labels': st.dictionaries(one('a', 'b'), one('1', 'x: y'), max_size=2),
}
PRESENT = {'state': one('present', 'present', 'present', 'absent')}
GROUPS = some('default', 'red', 'blue')
NIC = st.one_of(
    st.fixed_dictionaries(
        {'name': one('default', 'lan')},
        optional={
            'security_groups': some('default', 'red', 'blue', least=1),
            'fixed_ip': one('192.168.0.9', '10.50.0.9'),
        },
    ),
    st.fixed_dictionaries({'port': one('p', 'q')}),
)
RULE = st.one_of(
    st.fixed_dictionaries(
        {'preset': one('ssh', 'http', 'all_icmp')}, optional={'direction': one('ingress', 'egress')}
    ),
    st.fixed_dictionaries(
        {'protocol': one('tcp', 'udp')},
        optional={'port': one('22', '80-90'), 'remote': one('any', '10.0.0.0/8', 'red', 'blue')},
    ),
)
LISTENER = st.fixed_dictionaries(
    {'port': one(80, 81)}, optional={'protocol': one('http', 'tcp'), 'member_port': one(8080)}
)
SERVER = {
    'flavor': one('g1.nano', 'g1.micro', 'own'),
    'image': one('oracle', 'oracle', 'oracle', 'copy'),
    'key_name': one('k'),
    'key_names': st.just(['k']),
    'security_groups': GROUPS,
    'networks': st.lists(NIC, max_size=2),
    'user_data': one('#!/bin/sh\n', '#cloud-config\n'),
    'init_script': one('i'),
    'volume_size': one(1, 2, 5),
    'floating_ip': one('auto', 'none', *ADDRESSES),
    **option_values('server', 'server_effects'),
    'allow_shrink': st.booleans(),
    'allow_restart': st.booleans(),
    'repair': st.booleans(),
    **DESCRIBED,
}
POWER = one('stopped', 'stopped', 'started', 'present', 'absent')
CREATED = {'image': st.just('oracle'), 'flavor': st.just('g1.nano')}
OPTIONS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    # The required options, and the optional ones.
    'server': [
        ({'name': one('a', 'b'), 'state': POWER, **CREATED}, SERVER),
        ({'name': one('a', 'b', 'g-1'), 'state': POWER}, SERVER),
        (
            {'name': one('g', 'a'), 'count': one(0, 1, 2, 3), 'state': POWER, **CREATED},
            {key: SERVER[key] for key in SERVER if key != 'repair'},
        ),
    ],
    'volume': [
        ({'name': one('v', 'w'), 'size': one(1, 2)}, {**PRESENT, **DESCRIBED}),
        ({'name': one('a/root', 'g-1/root'), 'size': one(1, 2, 4)}, {**PRESENT, **DESCRIBED}),
        (
            {'name': one('v', 'w', 'a/root')},
            {
                'state': one('attached', 'detached', 'absent'),
                'server': one('a', 'b', 'g-1'),
                'force': st.booleans(),
                'size': one(1, 2),
            },
        ),
    ],
    'floating_ip': [
        (
            {'name': one('f', 'e', '198.18.0.8')},
            {**PRESENT, 'address': one(*ADDRESSES), 'pool': one('default'), **DESCRIBED},
        ),
        (
            {'state': one('attached', 'detached', 'absent', 'present')},
            {
                'name': one('f', 'e'),
                'address': one(*ADDRESSES),
                'server': one('a', 'b'),
                'lb': one('l'),
                'port': one('p'),
                'fixed_ip': one('192.168.0.9'),
            },
        ),
    ],
    'lb': [
        (
            {'name': one('l', 'm'), 'listeners': st.lists(LISTENER, max_size=2)},
            {
                **PRESENT,
                'members': some('a', 'b', 'g-1'),
                'algorithm': one('round_robin', 'source_ip', 'LEAST_CONNECTIONS'),
                'network': one('default', 'lan'),
                'floating_ip': one('auto', 'none', *ADDRESSES),
                'health_check': st.fixed_dictionaries(
                    {},
                    optional={
                        'protocol': one('http', 'tcp'),
                        'port': one(8080),
                        'path': one('/', '/ok?a=b'),
                    },
                ),
                **DESCRIBED,
            },
        ),
    ],
    'security_group': [
        (
            {'name': one('red', 'blue', 'default')},
            {
                **PRESENT,
                'rules': st.lists(RULE, max_size=3),
                'purge_rules': st.booleans(),
                **DESCRIBED,
            },
        )
    ],
    'network': [
        (
            {'name': one('lan', 'wan')},
            {
                **PRESENT,
                'cidr': one(*CIDRS),
                'gateway': one('10.50.0.1', '10.50.0.9', '10.51.0.6'),
                **DESCRIBED,
            },
        )
    ],
    'port': [
        (
            {'name': one('p', 'q')},
            {
                **PRESENT,
                'network': one('default', 'lan'),
                'fixed_ip': one('192.168.0.9', '10.50.0.9'),
                'security_groups': GROUPS,
                'mac': one('52:54:00:00:00:99'),
                **DESCRIBED,
            },
        ),
    ],
    'keypair': [
        (
            {'name': one('k')},
            {**PRESENT, 'public_key': one(KEY + 'n', KEY + 'n there', KEY + 'o'), **DESCRIBED},
        )
    ],
    'init_script': [
        (
            {'name': one('i')},
            {**PRESENT, 'content': one('#!/bin/sh\n', '#!/bin/sh\ntrue\n'), **DESCRIBED},
        )
    ],
    'flavor': [
        (
            {'name': one('own', 'g1.nano')},
            {
                **PRESENT,
                'vcpus': one(1, 2),
                'memory': one(128, 256),
                'disk': one(1, 2),
                'family': one('cpu'),
                **DESCRIBED,
            },
        )
    ],
    'image': [({'name': one('copy')}, {**PRESENT, 'server': one('a', 'b'), **DESCRIBED})],
}
WEIGHTS = ('server', 'server', 'server', *OPTIONS)
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
    ((*MACHINES, 'list', '--all', '--name', '--persistent'), (*MACHINES, 'undefine')),
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
    module = draw(one(*WEIGHTS))
    required, optional = draw(one(*OPTIONS[module]))
    chosen = draw(st.lists(one(*sorted(set(optional) - set(required))), max_size=4, unique=True))
    return module, draw(
        st.fixed_dictionaries({**required, **{option: optional[option] for option in chosen}})
    )


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
        step = (module, _without_guest(options) if module == 'server' else options)
        if module == 'volume' and _needs_guest(options):
            return
        self.states += 1
        before = observe()
        predicted = self.run_task(step, check=True)
        assert _differences(before, observe()) == []
        result = self.run_task(step)
        if result.failed:
            self.refusals += 1
            self._check_refusal(predicted, result)
            assert _differences(before, observe()) == []
        else:
            self.changes += result.changed
            self._check_result(predicted, result)
            self._check_idempotent(step)

    def _check_refusal(self, predicted: ModuleRun, result: ModuleRun) -> None:
        """The run is refused as in check mode.

        A reference that does not exist is only a warning in check mode, because an earlier task may
        create it.
        """
        if predicted.failed:
            assert predicted.msg == result.msg
        else:
            assert 'refused' in result.result, result.msg
            warned = {warning['event']['msg'] for warning in predicted.result['warnings']}
            assert set(result.result['refused']) <= warned

    def _check_result(self, predicted: ModuleRun, result: ModuleRun) -> None:
        """The prediction is the result."""
        assert not predicted.failed, predicted.msg
        assert (predicted.changed, predicted.result['diff']) == (
            result.changed,
            result.result['diff'],
        )
        assert predicted.msg == (_prediction_of(result.msg) if result.changed else result.msg)
        assert [(one['what'], one['why']) for one in predicted.result['steps']] == [
            (one['what'], one['why']) for one in result.result['steps']
        ]
        assert _wrong_predictions(_items(predicted.result), _items(result.result)) == []

    def _check_idempotent(self, step: Step) -> None:
        """The second run changes nothing."""
        before = observe()
        for check in (True, False):
            repeated = self.run_task(step, check)
            assert (repeated.failed, repeated.changed) == (False, False), repeated.msg
            assert repeated.result['diff'] == NOTHING
        assert _differences(before, observe()) == []

    def delete_all(self) -> None:
        """Delete everything."""
        for kind, name in sorted(
            resources() - self.existing, key=lambda thing: (REMOVAL.index(thing[0]), thing[1])
        ):
            protection = {'delete_protection': False} if kind == 'server' else {}
            deleted = self.run_task((kind, {'name': name, 'state': 'absent', **protection}))
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
    running = output_of('virsh', 'list', '--uuid').split()
    return {row['name'] for row in rows('SELECT name, uuid FROM server') if row['uuid'] in running}


def _without_guest(options: dict[str, Any]) -> dict[str, Any]:
    """Force a stop, and do not allow a restart of a running server: no guest would answer."""
    forced = {**options, 'force': True}
    members = {f'{options["name"]}-{number}' for number in range(1, 4)}
    if _running() & {options['name'], *members}:
        forced['allow_restart'] = False
    return forced


def _prediction_of(msg: str) -> str:
    """The message of check mode for a run with this message."""
    infinitives = {verb.past_tense: verb.infinitive for verb in Verb}
    past = re.compile(rf'(^|; )({"|".join(infinitives)})\b')
    return 'would ' + past.sub(lambda found: found[1] + infinitives[found[2]], msg)


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


def _items(result: dict[str, Any]) -> dict[str, Any]:
    """A result without its messages."""
    messages = ('warnings', 'msg', 'steps', 'deprecations')
    return {key: value for key, value in result.items() if key not in messages}


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[Any]:
    return [
        (key, before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _wrong_predictions(predicted: Any, result: Any, place: str = '') -> list[str]:
    """Where the result differs from the prediction: another shape, or another known value."""
    if predicted == AFTER_APPLY:
        return []
    if isinstance(predicted, dict) and isinstance(result, dict):
        found = (
            [f'{place}: {sorted(set(predicted) ^ set(result))}']
            if set(predicted) != set(result)
            else []
        )
        return found + [
            text
            for key in predicted
            if key in result
            for text in _wrong_predictions(predicted[key], result[key], f'{place}.{key}')
        ]
    if isinstance(predicted, list) and isinstance(result, list) and len(predicted) == len(result):
        return [
            text
            for number, pair in enumerate(zip(predicted, result, strict=True))
            for text in _wrong_predictions(*pair, f'{place}[{number}]')
        ]
    return [] if predicted == result else [f'{place}: predicted {predicted!r}, got {result!r}']


@pytest.fixture(scope='module')
def oracle(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """An oracle on a host with one image, which is blank: a server of it does nothing."""
    blank = tmp_path_factory.mktemp('oracle') / 'blank.qcow2'
    output_of('qemu-img', 'create', '-q', '-f', 'qcow2', str(blank), '64M')
    forks = ForkServer()
    found = Oracle(forks, str(blank))
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
