# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check mode oracle: from random states, random tasks. Check mode changes not one byte of the host, and tells exactly what the run then does.

States are what earlier tasks made, what a killed run left (a task_state), and a host on which
somebody flushed rules, suspended, destroyed or undefined machines. Servers run, but there is no
system in them: what a guest would have to answer is not asked.
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

from . import figures
from .forks import Forks, Ran
from .invariants import REMOVAL, STATE, broken, rows, said, things

FOLDERS = ('/var/lib/hanok', '/etc/hanok', '/etc/libvirt', '/var/lib/libvirt')
RUNNING = ('/run/libvirt/qemu', '/run/libvirt/lxc', '/run/libvirt/network', '/sys/class/net')
NOTHING = {'before': '', 'after': ''}
Step = tuple[str, dict[str, Any]]


def seen() -> dict[str, Any]:
    """The host from outside: every file by what the kernel says of it (its ctime is set by whoever writes or changes it), and what runs and is loaded."""
    found: dict[str, Any] = {}
    for top in FOLDERS:
        for folder, _folders, files in os.walk(top):
            for name in ['.', *files]:
                path = os.path.join(folder, name)
                # SQLite's own files; the leases that dnsmasq writes in its own time.
                if not name.endswith(('-shm', '-wal', '.status', '.status.new')):
                    is_folder = name == '.'
                    one = os.lstat(path)
                    # SQLite's own two files come and go in the folder of the record.
                    found[path] = (
                        one.st_mode,
                        one.st_uid,
                        one.st_gid,
                        one.st_ino,
                        0 if is_folder else (one.st_size, one.st_mtime_ns, one.st_ctime_ns),
                    )
    found.update(
        {folder: sorted(os.listdir(folder)) for folder in RUNNING if os.path.isdir(folder)}
    )
    # A bridge on which nothing is plugged in any more says linkdown after a moment, by itself.
    found.update(
        {
            words: said(*words).replace(' linkdown', '')
            for words in (
                ('nft', 'list', 'ruleset'),
                ('ip', 'route'),
                ('ip', 'neigh', 'show', 'proxy'),
            )
        }
    )
    return found


# ---- random tasks
# ------------------------------------------------------------------------------------------------------------------

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIiYP0nBFNbnWEqM8sxUqWbLxTCdmcEVTEmWDGGL7l'
ADDRESSES = ('198.18.0.7', '198.18.0.8', '10.99.0.1')
CIDRS = ('10.50.0.0/24', '10.50.0.0/25', '10.51.0.0/29', '192.168.0.0/24')


def one(*values: Any) -> st.SearchStrategy[Any]:
    """One of some values."""
    return st.sampled_from(values)


def some(*values: Any, least: int = 0) -> st.SearchStrategy[list[Any]]:
    """Up to two of some values, in any order."""
    return st.sampled_from(
        [list(chosen) for number in range(least, 3) for chosen in permutations(values, number)]
    )


SAID = {
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
    'delete_protection': st.booleans(),
    'guest_agent': st.booleans(),
    'allow_shrink': st.booleans(),
    'allow_restart': st.booleans(),
    'repair': st.booleans(),
    **SAID,
}
POWER = one('stopped', 'stopped', 'started', 'present', 'absent')
MADE = {'image': st.just('oracle'), 'flavor': st.just('g1.nano')}
OPTIONS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    # What is always said, and what may be.
    'server': [
        ({'name': one('a', 'b'), 'state': POWER, **MADE}, SERVER),
        ({'name': one('a', 'b', 'g-1'), 'state': POWER}, SERVER),
        (
            {'name': one('g', 'a'), 'count': one(0, 1, 2, 3), 'state': POWER, **MADE},
            {key: SERVER[key] for key in SERVER if key != 'repair'},
        ),
    ],
    'volume': [
        ({'name': one('v', 'w'), 'size': one(1, 2)}, {**PRESENT, **SAID}),
        (
            {'name': one('v', 'w')},
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
            {**PRESENT, 'address': one(*ADDRESSES), 'pool': one('default'), **SAID},
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
                **SAID,
            },
        ),
    ],
    'security_group': [
        (
            {'name': one('red', 'blue', 'default')},
            {**PRESENT, 'rules': st.lists(RULE, max_size=3), 'purge_rules': st.booleans(), **SAID},
        )
    ],
    'network': [
        (
            {'name': one('lan', 'wan')},
            {
                **PRESENT,
                'cidr': one(*CIDRS),
                'gateway': one('10.50.0.1', '10.50.0.9', '10.51.0.6'),
                **SAID,
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
                **SAID,
            },
        ),
    ],
    'keypair': [
        (
            {'name': one('k')},
            {**PRESENT, 'public_key': one(KEY + 'n', KEY + 'n there', KEY + 'o'), **SAID},
        )
    ],
    'init_script': [
        (
            {'name': one('i')},
            {**PRESENT, 'content': one('#!/bin/sh\n', '#!/bin/sh\ntrue\n'), **SAID},
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
                **SAID,
            },
        )
    ],
    'image': [({'name': one('copy')}, {**PRESENT, 'server': one('a', 'b'), **SAID})],
}
WEIGHTS = ('server', 'server', 'server', *OPTIONS)
# What a killed run leaves: between its first transaction and its last one a thing is marked, and
# only what may be marked so.
INTERRUPTED = (
    ('server', 'creating', ''),
    ('server', 'updating', ''),
    ('server', 'deleting', ''),
    ('volume', 'creating', ' AND server_id IS NULL'),
    ('volume', 'extending', ''),
    ('volume', 'attaching', ' AND server_id IS NOT NULL'),
    ('volume', 'detaching', ' AND server_id IS NOT NULL'),
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


# What somebody does who does not know of us, by virsh: what he sees, and what he does with one of
# it.
MACHINES, CONTAINERS = ('-c', 'qemu:///system'), ('-c', 'lxc:///system')
BY_HAND = (
    *(
        ((*MACHINES, 'list', '--name', '--state-running'), (*MACHINES, how))
        for how in ('suspend', 'destroy')
    ),
    ((*MACHINES, 'list', '--all', '--name', '--persistent'), (*MACHINES, 'undefine')),
    ((*CONTAINERS, 'list', '--name'), (*CONTAINERS, 'destroy')),
    ((*CONTAINERS, 'list', '--all', '--name', '--persistent'), (*CONTAINERS, 'undefine')),
    (('net-list', '--name'), ('net-destroy',)),
)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A task of any module; now and then something that happens to the host instead."""
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


# ---- the oracle
# --------------------------------------------------------------------------------------------------------------------


class Oracle:
    """Runs each task in check mode, then really, then again; and counts."""

    def __init__(self, forks: Forks, image: str) -> None:
        """Nothing was tried yet, and there is one image."""
        self.forks = forks
        self.image: Step = ('image', {'name': 'oracle', 'path': image})
        self.others = {name for _kind, name in things()}
        assert self.ran(self.image).changed
        self.there = things()
        self.states = self.changes = self.refusals = 0

    def ran(self, step: Step, check: bool = False) -> Ran:
        """A run of a task, which ends in words."""
        found = self.forks.run(*step, check=check)
        assert not found.faults(), found.faults()
        return found

    def try_(self, step: Step) -> None:
        """What the oracle says of one task."""
        module, options = step
        if module == 'flush':
            said('nft', 'flush', 'ruleset')
            return
        if module == 'interrupt':
            _interrupt(self.others, **options)
            return
        if module == 'by hand':
            _by_hand(**options)
            return
        step = (module, _unasked(options) if module == 'server' else options)
        if module == 'volume' and _asks(options):
            return
        self.states += 1
        before = seen()
        told = self.ran(step, check=True)
        assert _differing(before, seen()) == []
        done = self.ran(step)
        if done.failed:
            self.refusals += 1
            self._refused(told, done)
            assert _differing(before, seen()) == []
        else:
            self.changes += done.changed
            self._kept(told, done)
            self._again(step)

    def _refused(self, told: Ran, done: Ran) -> None:
        """It was refused in check mode with the same words; only what refers to nothing is a warning there, because an earlier task may make it."""
        if told.failed:
            assert told.msg == done.msg
        else:
            assert 'refused' in done.result, done.msg
            warned = {warning['event']['msg'] for warning in told.result['warnings']}
            assert set(done.result['refused']) <= warned

    def _kept(self, told: Ran, done: Ran) -> None:
        """What was told is what was done, and what was promised is there."""
        assert not told.failed, told.msg
        assert (told.changed, told.result['diff']) == (done.changed, done.result['diff'])
        assert told.msg == (_predicted(done.msg) if done.changed else done.msg)
        assert [(one['what'], one['why']) for one in told.result['steps']] == [
            (one['what'], one['why']) for one in done.result['steps']
        ]
        shapes = [
            {
                key: value
                for key, value in one.result.items()
                if key not in ('warnings', 'msg', 'steps', 'deprecations')
            }
            for one in (told, done)
        ]
        assert _broken_promises(*shapes) == []

    def _again(self, step: Step) -> None:
        """The second run finds nothing to do, and does nothing."""
        before = seen()
        for check in (True, False):
            again = self.ran(step, check)
            assert (again.failed, again.changed) == (False, False), again.msg
            assert again.result['diff'] == NOTHING
        assert _differing(before, seen()) == []

    def clear(self) -> None:
        """Take away all there is."""
        for kind, name in sorted(
            things() - self.there, key=lambda thing: (REMOVAL.index(thing[0]), thing[1])
        ):
            protection = {'delete_protection': False} if kind == 'server' else {}
            gone = self.ran((kind, {'name': name, 'state': 'absent', **protection}))
            assert not gone.failed, gone.msg
        self.ran(self.image)
        self.ran(
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
        assert broken() == []


def _interrupt(others: set[str], table: str, task_state: str, where: str) -> None:
    """Leave one thing as a run that was killed leaves it; not what was there before."""
    with sqlite3.connect(f'{STATE}/hanok.db') as record:
        chosen = f'SELECT id FROM {table} WHERE task_state IS NULL AND name NOT IN (SELECT value FROM json_each(?)) {where} ORDER BY id LIMIT 1'
        record.execute(
            f'UPDATE {table} SET task_state = ? WHERE id IN ({chosen})',
            (task_state, json.dumps(sorted(others))),
        )
    record.close()


def _by_hand(which: Sequence[str], how: Sequence[str], number: int) -> None:
    """Do something to one of what there is, if there is any."""
    names = sorted(said('virsh', *which).split())
    if names:
        said('virsh', *how, names[number % len(names)])


def _running() -> set[str]:
    """The servers that run, or are paused."""
    running = said('virsh', 'list', '--uuid').split()
    return {row['name'] for row in rows('SELECT name, uuid FROM server') if row['uuid'] in running}


def _unasked(options: dict[str, Any]) -> dict[str, Any]:
    """A server is stopped by force, and not restarted while it runs: there is no guest that would answer."""
    forced = {**options, 'force': True}
    return (
        {**forced, 'allow_restart': False}
        if _running()
        & {options['name'], *(f'{options["name"]}-{number}' for number in range(1, 4))}
        else forced
    )


def _predicted(msg: str) -> str:
    """The message of check mode for a run that had this message."""
    infinitives = {verb.past_tense: verb.infinitive for verb in Verb}
    past = re.compile(rf'(^|; )({"|".join(infinitives)})\b')
    return 'would ' + past.sub(lambda found: found[1] + infinitives[found[2]], msg)


def _asks(options: dict[str, Any]) -> bool:
    """Whether a guest would have to let go of a volume: it is detached, or goes to another server, or that was interrupted."""
    for row in rows(
        'SELECT v.name, s.name AS server, v.task_state FROM volume v JOIN server s ON s.id = v.server_id'
    ):
        stays = (
            options.get('state') != 'detached'
            and options.get('server') in (None, row['server'])
            and row['task_state'] != 'detaching'
        )
        if row['name'] == options['name'] and not stays and row['server'] in _running():
            return True
    return False


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[Any]:
    return [
        (key, before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _broken_promises(told: Any, done: Any, place: str = '') -> list[str]:
    """Where the result of a run is not what check mode promised: another shape, or another value than one that was known."""
    if told == AFTER_APPLY:
        return []
    if isinstance(told, dict) and isinstance(done, dict):
        found = [f'{place}: {sorted(set(told) ^ set(done))}'] if set(told) != set(done) else []
        return found + [
            text
            for key in told
            if key in done
            for text in _broken_promises(told[key], done[key], f'{place}.{key}')
        ]
    if isinstance(told, list) and isinstance(done, list) and len(told) == len(done):
        return [
            text
            for number, pair in enumerate(zip(told, done, strict=True))
            for text in _broken_promises(*pair, f'{place}[{number}]')
        ]
    return [] if told == done else [f'{place}: {told!r} was promised, there is {done!r}']


@pytest.fixture(scope='module')
def oracle(host: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """An oracle on a host with one image, in which there is nothing: a machine that boots it stands still."""
    blank = tmp_path_factory.mktemp('oracle') / 'blank.qcow2'
    said('qemu-img', 'create', '-q', '-f', 'qcow2', str(blank), '64M')
    forks = Forks()
    found = Oracle(forks, str(blank))
    yield found
    assert forks.run('image', {'name': 'oracle', 'state': 'absent'}).changed
    forks.close()
    figures.add(
        'Check mode oracle', states=found.states, changes=found.changes, refusals=found.refusals
    )


def test_check_mode_tells_what_the_run_does(oracle: Oracle, soak: bool) -> None:
    """From an empty host, tasks one after the other."""

    # Not shrunk: an example takes seconds, and the task at which it ended stands in the message.
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
        oracle.clear()

    from_nothing()
    assert oracle.changes > oracle.refusals / 4
