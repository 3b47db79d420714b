# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of make bench: the cost of the collection, as ratios. It runs in scripts/world.

Every time is that of a complete task as its user waits for it, from its start to its result. What
is compared is measured alternately in the same run, so that a machine that is busy for a while
slows down both. A row shows medians, minimum and maximum. No time is judged: goals are only shown.
"""

from __future__ import annotations

import glob
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ansible.release
import pauses
import storage

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLAYBOOK = ['ansible-playbook', '--inventory', 'localhost,', '--connection', 'local']
PYTHON = '/usr/bin/python3'  # the host's Python, as users are told to set it
TURNS = {
    'no-op': 11,
    'servers': 5,
    'rule': 5,
    'growth': 9,
    'pause': 5,
    'inventory': 7,
    'storage': 5,
}
SIZES = (10, 100, 300, 1000)
GROUP = 500  # the maximum size of a group
RULES = ([{'preset': 'ssh'}], [{'preset': 'ssh'}, {'preset': 'http'}])
Task = tuple[str, dict[str, Any]]
CONTAINER = {'type': 'container', 'image': 'bench-root'}
EMPTY: Task = ('an empty task', {'empty': {}})


class Times(NamedTuple):
    """The measurements of one thing (seconds)."""

    what: str
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The median (seconds)."""
        return statistics.median(self.seconds)


class Row(NamedTuple):
    """A row of the table: two measurements, their ratio, and the goal."""

    what: Times
    peer: Times
    aim: str = ''

    def cells(self) -> list[str]:
        """The row as it is shown."""
        ratio = self.what.median / self.peer.median
        return [
            self.what.what,
            *_time_cells(self.what),
            self.peer.what,
            *_time_cells(self.peer),
            f'{ratio:.2f}',
            self.aim,
        ]

    def as_json(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            'what': self.what._asdict(),
            'peer': self.peer._asdict(),
            'ratio': self.what.median / self.peer.median,
            'aim': self.aim,
        }


class Line(NamedTuple):
    """The growth with the number of records of the time above an empty task.

    Each measurement is compared with the empty task of its own turn.
    """

    what: str
    points: dict[int, Times]

    def fit(self) -> tuple[float, float, float]:
        """Seconds per record, seconds without records, and the maximum deviation in seconds."""
        medians = {size: times.median for size, times in self.points.items()}
        slope, start = statistics.linear_regression(list(medians), list(medians.values()))
        return (
            slope,
            start,
            max(abs(median - start - slope * size) for size, median in medians.items()),
        )

    def cells(self) -> list[str]:
        """The line as it is shown."""
        slope, _start, off = self.fit()
        return [
            self.what,
            *(f'{times.median:.3f}' for times in self.points.values()),
            f'{slope * 1000:.3f}',
            f'{off:.3f}',
        ]

    def as_json(self) -> dict[str, Any]:
        """The line as JSON."""
        slope, start, off = self.fit()
        points = {size: times.seconds for size, times in self.points.items()}
        return {
            'what': self.what,
            'points': points,
            'seconds_per_record': slope,
            'seconds_without_records': start,
            'seconds_off_the_line': off,
        }


def _time_cells(times: Times) -> list[str]:
    return [f'{times.median:.3f}', f'{min(times.seconds):.3f}-{max(times.seconds):.3f}']


def play(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """Run tasks as one play; return what the callback wrote for each."""
    with tempfile.TemporaryDirectory() as folder:
        playbook, stamps = (os.path.join(folder, name) for name in ('play.json', 'stamps'))
        plays = [
            {
                'hosts': 'localhost',
                'gather_facts': False,
                'vars': {'ansible_python_interpreter': PYTHON},
                'tasks': [{'name': name, **action} for name, action in tasks],
            }
        ]
        Path(playbook).write_text(json.dumps(plays), encoding='utf-8')
        settings = {
            'ANSIBLE_LIBRARY': str(HERE / 'library'),
            'ANSIBLE_CALLBACK_PLUGINS': str(HERE / 'callback_plugins'),
            'ANSIBLE_CALLBACKS_ENABLED': 'stamps',
            'BENCH_STAMPS': stamps,
        }
        run(*PLAYBOOK, playbook, **settings)
        return [json.loads(line) for line in Path(stamps).read_text(encoding='utf-8').splitlines()]


def run(*words: str, **environment: str) -> float:
    """Run a program; return the time that it took (seconds).

    Its output is shown if it fails.
    """
    started = time.monotonic()
    process = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if process.returncode:
        sys.exit(f'{" ".join(words)} failed:\n{process.stdout[-4000:]}{process.stderr[-4000:]}')
    return time.monotonic() - started


def measure(tasks: Sequence[Task], turns: int, changed: bool = False) -> dict[str, Times]:
    """Run tasks in turn.

    The first turn does not count: Ansible builds the modules in it.
    """
    stamps = play(task for _turn in range(turns + 1) for task in tasks)[len(tasks) :]
    for stamp in stamps:
        if stamp['changed'] != (changed and stamp['task'] != EMPTY[0]):
            expected = 'change something' if changed else 'change nothing'
            sys.exit(f'the task {stamp["task"]} was expected to {expected}: {stamp}')
    times: dict[str, Times] = {}
    for name, _action in tasks:
        seconds = [stamp['seconds'] for stamp in stamps if stamp['task'] == name]
        times[name] = Times(name, seconds)
    return times


def server(name: str, **options: Any) -> dict[str, Any]:
    """Return a task that creates servers with all their references; stopped by default."""
    references = {
        'flavor': 'g1.nano',
        'image': 'bench',
        'key_name': 'bench',
        'security_groups': ['bench'],
        'networks': [{'name': 'bench'}],
    }
    return {'hanok.cloud.server': {'name': name, 'state': 'stopped', **references, **options}}


def absent(name: str) -> Task:
    """Return a task that deletes servers."""
    return f'{name} absent', {'hanok.cloud.server': {'name': name, 'state': 'absent'}}


@contextmanager
def servers(*tasks: Task) -> Iterator[None]:
    """Create servers for the duration of a block; the names of the tasks are not shown."""
    play(tasks)
    yield
    play(absent(action['hanok.cloud.server']['name']) for _name, action in tasks)


def prepare() -> None:
    """Prepare this world: a host with a small image and a network for a thousand servers."""
    images = sorted(glob.glob('/var/cache/hanok/tiny-*.qcow2'), key=os.path.getmtime)
    roots = sorted(glob.glob('/var/cache/hanok/tiny-*.tar'), key=os.path.getmtime)
    if 'HANOK_WORLD' not in os.environ or not images or not roots:
        sys.exit('run it with: make bench')
    # A hundred servers, of which none uses what it may.
    settings: dict[str, Any] = {
        f'host_{what}_allocation_ratio': 1000 for what in ('ram', 'cpu', 'disk')
    }
    settings['host_backup_stores'] = [{'name': 'bench', 'path': storage.STORE}]
    run(*PLAYBOOK, '-e', json.dumps(settings), 'hanok.cloud.host')
    root = {'name': 'bench-root', 'path': roots[-1], 'disk_format': 'root-tar'}
    play(
        [
            ('image', {'hanok.cloud.image': {'name': 'bench', 'path': images[-1]}}),
            ('root', {'hanok.cloud.image': root}),
            ('network', {'hanok.cloud.network': {'name': 'bench', 'cidr': '10.128.0.0/16'}}),
            (
                'key',
                {'hanok.cloud.keypair': {'name': 'bench', 'private_key_file': '/run/bench.pem'}},
            ),
            ('group', {'hanok.cloud.security_group': {'name': 'bench', 'rules': RULES[0]}}),
        ]
    )


def creation_rows(what: str, uri: str, aim: str, **options: Any) -> Iterator[Row]:
    """Create and delete 20 running servers, compared with a bare loop over the same definitions."""
    created = server('run', count=20, state='started', **options)
    make, remove = ('create', created), absent('run')
    seconds: dict[str, list[float]] = {
        'create': [],
        'run absent': [],
        'bare create': [],
        'bare delete': [],
    }
    with tempfile.TemporaryDirectory() as folder:
        definitions = os.path.join(folder, 'definitions')
        bare = [PYTHON, str(HERE / 'bare.py')]
        learning = [*bare, 'learn', definitions, uri]
        # Ansible builds the module for the play in this task.
        build = ('build', {'hanok.cloud.server': {'name': 'run', 'state': 'absent'}})
        learn = ('learn', {'ansible.builtin.command': {'argv': learning}})
        for _turn in range(TURNS['servers']):
            for stamp in play([build, make, learn, remove]):
                seconds.get(stamp['task'], []).append(stamp['seconds'])
            for verb in ('create', 'delete'):
                seconds[f'bare {verb}'].append(run(*bare, verb, definitions, uri))
    yield Row(
        Times(f'20 running {what} created', seconds['create']),
        Times('a bare loop', seconds['bare create']),
        aim,
    )
    yield Row(
        Times(f'20 running {what} deleted', seconds['run absent']),
        Times('a bare loop', seconds['bare delete']),
    )


def unchanged_rows() -> Iterator[Row]:
    """Tasks that change nothing, compared with a task whose module is empty."""
    groups = [('1 server, nothing to do', server('one'))]
    groups += [
        (f'{count} servers, nothing to do', server(f'group{count}', count=count))
        for count in (20, 100)
    ]
    containers = server('boxes', count=20, **CONTAINER)
    of_containers = ('20 containers, nothing to do', containers)
    with servers(*groups, of_containers):
        times = measure([EMPTY, *groups, of_containers], TURNS['no-op'])
    for (name, _action), aim in zip(groups, ('1.35', '', '1.5'), strict=True):
        yield Row(times[name], times[EMPTY[0]], aim)
    yield Row(times[of_containers[0]], times[groups[1][0]], '1.0')


def pause_rows() -> Iterator[Row]:
    """The longest pause of a guest that writes all the time, and without anything else."""
    machine: dict[str, Any] = {'server': 'writer', 'name': 'bench'}
    play(
        [
            ('volume', {'hanok.cloud.volume': {'name': 'full', 'size': 20}}),
            ('writer', server('writer', user_data=pauses.WRITER)),
        ]
    )
    (disk,) = glob.glob('/var/lib/hanok/volumes/*')
    pauses.allocate(disk, 20)
    attached = {'name': 'full', 'server': 'writer', 'state': 'attached'}
    ready = server('writer', state='started', wait_for='init')
    play([('attach', {'hanok.cloud.volume': attached}), ('start', ready)])
    watch = pauses.Watch('writer')
    states = {'made': 'present', 'deleted': 'absent'}
    found: dict[str, list[float]] = {'nothing': [], **{how: [] for how in states}}
    for _turn in range(TURNS['pause']):
        found['nothing'].append(watch.during(lambda: time.sleep(3)))
        for how, state in states.items():
            task = ('snapshot', {'hanok.cloud.server_snapshot': {**machine, 'state': state}})
            found[how].append(watch.during(lambda task=task: play([task])))
    play([absent('writer'), ('full', {'hanok.cloud.volume': {'name': 'full', 'state': 'absent'}})])
    for how in states:
        yield Row(
            Times(f'longest pause of writes, a snapshot of 20 GB {how}', found[how]),
            Times('nothing else', found['nothing']),
            '0.1 s',
        )


def storage_rows() -> Iterator[Row]:
    """Disks that are made and copied, compared with qemu-img."""
    play([('holder', server('holder', volume_size=4, user_data=storage.WRITER))])
    disk = storage.fill()
    play([('start', server('holder', state='started', wait_for='init'))])
    for make, remove, peer, aim in storage.pairs('holder', disk):
        tasks = [make, remove, peer, storage.removal()]
        times = measure(tasks, TURNS['storage'], changed=True)
        yield Row(times[make[0]], times[peer[0]], aim)
        full = times[make[0]]
    base, no_base = storage.increment('holder', 'base')
    make, remove = storage.increment('holder', 'of-5-MB')
    play([base])
    times = measure([make, remove], TURNS['storage'], changed=True)
    yield Row(times[make[0]], full, '0.1')
    play([no_base, absent('holder')])


def rule(records: int) -> dict[str, Times]:
    """Change one rule of a group that all servers have, alternately."""
    tasks = [
        (
            f'a rule changed, {records} servers',
            {'hanok.cloud.security_group': {'name': 'bench', 'rules': rules}},
        )
        for rules in reversed(RULES)
    ]
    return measure([EMPTY, tasks[0], EMPTY, tasks[1]], TURNS['rule'], changed=True)


def inventory_row() -> Row:
    """List the servers of this host as an inventory, and one that has no hosts."""
    sources = {'hanok.yml': {'plugin': 'hanok.cloud.servers'}, 'empty.yml': {'all': {}}}
    seconds: dict[str, list[float]] = {name: [] for name in sources}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in sources.items():
            Path(folder, name).write_text(json.dumps(content), encoding='utf-8')
        for _turn in range(TURNS['inventory'] + 1):
            for name, found in seconds.items():
                source = os.path.join(folder, name)
                found.append(run('ansible-inventory', '--inventory', source, '--graph'))
    # The first turn does not count: Python compiles the plugin in it.
    listed, empty = (found[1:] for found in seconds.values())
    what = Times(f'{GROUP} servers in the inventory', listed)
    return Row(what, Times('an empty inventory', empty), '0.5 s more')


def fill_tasks(records: int) -> Iterator[Task]:
    """Tasks that create so many stopped servers.

    A group has at most 500.
    """
    for number, first in enumerate(range(0, records, GROUP)):
        yield 'fill', server(f'herd{number}', count=min(GROUP, records - first))


def growth() -> Iterator[dict[str, Times]]:
    """Query one and all servers in a growing record; the times above those of empty tasks."""
    one: Task = ('1 server, nothing to do', server('herd0-1'))
    everything: Task = ('server_info of all', {'hanok.cloud.server_info': {}})
    for size in SIZES:
        play(fill_tasks(size))
        times = measure([EMPTY, one, everything], TURNS['growth'])
        empty = times.pop(EMPTY[0]).seconds
        yield {name: _above(found, empty) for name, found in times.items()}


def _above(times: Times, empty: Sequence[float]) -> Times:
    """The times above those of the empty tasks."""
    pairs = zip(times.seconds, empty, strict=True)
    return Times(times.what, [seconds - base for seconds, base in pairs])


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Align columns."""
    rows = [list(head), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def aligned(row: Sequence[str]) -> str:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        return '  '.join(cells).rstrip()

    return '\n'.join(map(aligned, rows))


def main(report: str) -> None:
    """Measure everything, print it, and write it to a file."""
    prepare()
    rows = [
        *unchanged_rows(),
        *creation_rows('servers', 'qemu:///system', '1.3'),
        *creation_rows('containers', 'lxc:///system', '1.5', **CONTAINER),
        *pause_rows(),
        *storage_rows(),
    ]
    play(fill_tasks(3))
    few = rule(3)
    points: dict[str, dict[int, Times]] = {}
    for size, times in zip(SIZES, growth(), strict=True):
        for name, found in times.items():
            points.setdefault(name, {})[size] = found
        if size == 300:
            many = rule(300)
            play(fill_tasks(GROUP))
            listed = inventory_row()
    names = [f'a rule changed, {records} servers' for records in (3, 300)]
    rows += [
        Row(few[names[0]], few[EMPTY[0]]),
        Row(many[names[1]], many[EMPTY[0]]),
        Row(many[names[1]], few[names[0]]),
        listed,
    ]
    lines = [Line(name, sizes) for name, sizes in points.items()]
    print(
        table(
            ['what', 's', 'from-to', 'against', 's', 'from-to', 'ratio', 'aim'],
            (row.cells() for row in rows),
        )
    )
    print()
    print(
        table(
            [
                's above an empty task, with servers on record:',
                *map(str, SIZES),
                'ms each',
                'off the line',
            ],
            (line.cells() for line in lines),
        )
    )
    machine = {
        'cores': os.cpu_count(),
        'load': os.getloadavg(),
        'kernel': platform.release(),
        'ansible': ansible.release.__version__,
    }
    Path(report).parent.mkdir(parents=True, exist_ok=True)
    Path(report).write_text(
        json.dumps(
            {
                'machine': machine,
                'rows': [row.as_json() for row in rows],
                'lines': [line.as_json() for line in lines],
            },
            indent=1,
        )
    )


if __name__ == '__main__':
    main(*sys.argv[1:])
