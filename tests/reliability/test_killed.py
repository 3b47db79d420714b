# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Killed anywhere: a run that is killed at any step is finished by the next one, and nothing is doubled, left over or lost."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import threading
import typing
from collections.abc import Callable, Iterator, Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import libvirt
import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._cloud.contract import Cloud
from ansible_collections.hanok.cloud.tests.integration.conftest import PLAYBOOK, Play

from . import figures, killing
from . import host as seen
from .figures import ROOT
from .killing import Point, Runner

TURNS = 2  # of each walk in the short form; in the long one as many as there are points


class Task(NamedTuple):
    """What a playbook would say."""

    module: str
    options: dict[str, Any]

    def __str__(self) -> str:
        return f'{self.module}: {self.options}'


class Walk(NamedTuple):
    """Tasks that lead back to where they began; what stands between them (a function) is done by somebody else. ``given``: what is there before.

    ``slow``: it has to do with servers that run, so the short form takes it once.
    """

    name: str
    steps: Sequence[Task | Callable[[Killer], None]]
    given: Sequence[Task] = ()
    slow: bool = False


def task(module: str, **options: Any) -> Task:
    """A task."""
    return Task(module, options)


STATE = Path(seen.STATE)
PUBLIC = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKZDjBBqpX3dI4L1ZYoJWZ3WJxvGk4M3Pz1K1cVQk9f killed'
SCRIPT = '#!/bin/sh\ntrue\n'
SMALL = {'image': 'killed', 'flavor': 'g1.nano'}
STOPPED = {**SMALL, 'state': 'stopped'}
HTTP = [{'port': 80, 'protocol': 'HTTP'}]


def forget_key(killer: Killer) -> None:
    """Private key files are the user's own."""
    Path(killer.words['key']).unlink(missing_ok=True)


def undefine(killer: Killer) -> None:
    """Somebody removes a machine."""
    machine = subprocess.run(
        ['virsh', 'list', '--all', '--name'], capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(
        ['virsh', 'undefine', next(name for name in machine if name.endswith('-power'))],
        check=True,
        capture_output=True,
    )


def unseed(killer: Killer) -> None:
    """Somebody removes a first-boot disk."""
    for path in STATE.glob('servers/*/seed.iso'):
        path.unlink()


def suspend(killer: Killer) -> None:
    """Somebody suspends a machine."""
    (machine,) = subprocess.run(
        ['virsh', 'list', '--name', '--state-running'], capture_output=True, text=True, check=True
    ).stdout.split()
    subprocess.run(['virsh', 'suspend', machine], check=True, capture_output=True)


def unplug(killer: Killer) -> None:
    """Somebody takes the bridge of a network away."""
    number = next(row['id'] for row in seen.rows()['network'] if row['name'] == 'default')
    subprocess.run(['ip', 'link', 'delete', f'hk{number}'], check=True)


def stop_balancer(killer: Killer) -> None:
    """Somebody destroys a container."""
    (container,) = subprocess.run(
        ['virsh', '-c', 'lxc:///system', 'list', '--name'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    subprocess.run(
        ['virsh', '-c', 'lxc:///system', 'destroy', container], check=True, capture_output=True
    )


def connect(killer: Killer) -> None:
    """Somebody has connections to all servers, by each of their addresses; known to the kernel, with nobody at their ends."""
    tables = seen.rows()
    fixed = {row['id']: row['address'] for row in tables['port'] if row['server_id']}
    ends = [(address, address) for address in fixed.values()]
    ends += [
        (row['address'], fixed[row['port_id']])
        for row in tables['floating_ip']
        if row['port_id'] in fixed
    ]
    for target, address in ends:
        ports = [
            '--sport',
            '1234',
            '--dport',
            '80',
            '--reply-port-src',
            '80',
            '--reply-port-dst',
            '1234',
        ]
        between = [
            '--src',
            seen.CALLER,
            '--dst',
            target,
            '--reply-src',
            address,
            '--reply-dst',
            seen.CALLER,
        ]
        words = [
            'conntrack',
            '-I',
            '-p',
            'tcp',
            *between,
            *ports,
            '--state',
            'ESTABLISHED',
            '--status',
            'ASSURED,SEEN_REPLY',
            '--timeout',
            '3600',
        ]
        subprocess.run(
            words, capture_output=True, check=False
        )  # it ends with 1 for one that is there


def hang_up(killer: Killer) -> None:
    """They end."""
    subprocess.run(['conntrack', '-F'], check=True, capture_output=True)


def flush(killer: Killer) -> None:
    """Somebody opens everything, and takes a bridge away."""
    subprocess.run(['nft', 'flush', 'ruleset'], check=True)
    subprocess.run(['ip', 'link', 'delete', 'hanok0'], check=True)


def lose(killer: Killer) -> None:
    """Somebody removes the record; its export stays."""
    for path in STATE.glob('hanok.db*'):
        path.unlink()


def damage(killer: Killer) -> None:
    """Something writes over the record."""
    lose(killer)
    (STATE / 'hanok.db').write_bytes(b'garbage' * 1000)


def forget_damaged(killer: Killer) -> None:
    """What was damaged is kept beside the new one, for whoever wants to look at it."""
    (STATE / 'hanok.db.damaged').unlink()


def gone(module: str, *names: str) -> list[Task]:
    """Deletions."""
    return [task(module, name=name, state='absent') for name in names]


WALKS = (
    Walk(
        'keypair registered',
        [
            task('keypair', name='k', public_key=PUBLIC),
            task('keypair', name='k', description='d', labels={'a': 'b'}),
            *gone('keypair', 'k'),
        ],
    ),
    Walk(
        'keypair generated',
        [task('keypair', name='k', private_key_file='{key}'), *gone('keypair', 'k'), forget_key],
    ),
    Walk(
        'flavor',
        [
            task('flavor', name='f', vcpus=1, memory=128, disk=1),
            task('flavor', name='f', description='d'),
            *gone('flavor', 'f'),
        ],
    ),
    Walk(
        'init script',
        [
            task('init_script', name='i', content=SCRIPT),
            task('init_script', name='i', content=SCRIPT + 'date\n', labels={'a': 'b'}),
            *gone('init_script', 'i'),
        ],
    ),
    Walk(
        'image from a path',
        [
            task('image', name='i', path='{tiny}'),
            task('image', name='i', labels={'a': 'b'}),
            *gone('image', 'i'),
        ],
    ),
    Walk(
        'image from a URL',
        [task('image', name='i', url='{url}', checksum='{checksum}'), *gone('image', 'i')],
    ),
    Walk(
        'image from a server',
        [task('image', name='i', server='source'), *gone('image', 'i')],
        given=[task('server', name='source', **STOPPED)],
    ),
    Walk(
        'network',
        [
            task('network', name='n'),
            task('network', name='n', description='d', labels={'a': 'b'}),
            *gone('network', 'n'),
        ],
    ),
    Walk(
        'security group',
        [
            task('security_group', name='g', rules=[{'preset': 'ssh'}]),
            task(
                'security_group',
                name='g',
                rules=[{'preset': 'http'}, {'protocol': 'any', 'remote': 'g'}],
                labels={'a': 'b'},
            ),
            task('server', name='s', security_groups=['g'], **STOPPED),
            task(
                'security_group',
                name='g',
                rules=[{'preset': 'ssh'}, {'protocol': 'tcp', 'port': '53', 'direction': 'egress'}],
            ),
            task('security_group', name='default', rules=[{'preset': 'all_icmp'}]),
            task('security_group', name='default', rules=[]),
            *gone('server', 's'),
            task('security_group', name='g', rules=[], labels={}),
            *gone('security_group', 'g'),
        ],
    ),
    Walk(
        'port',
        [
            task('port', name='p', network='default', security_groups=['default']),
            task('port', name='p', security_groups=['killed'], labels={'a': 'b'}),
            task(
                'server',
                name='s',
                networks=[{'port': 'p'}],
                user_data=SCRIPT,
                key_name='killed',
                **STOPPED,
            ),
            task('port', name='p', security_groups=['default'], labels={}),
            *gone('server', 's'),
            *gone('port', 'p'),
        ],
        given=[task('security_group', name='killed', rules=[{'preset': 'ssh'}])],
    ),
    Walk(
        'group of servers',
        [
            task(
                'server',
                name='s',
                count=2,
                init_script='killed',
                key_name='killed',
                floating_ip='auto',
                **STOPPED,
            ),
            task(
                'server',
                name='s',
                count=3,
                init_script='killed',
                key_name='killed',
                floating_ip='auto',
                **STOPPED,
            ),
            task('server', name='s', count=1, allow_shrink=True),
            task('server', name='s', count=0, allow_shrink=True),
        ],
    ),
    Walk(
        'server changed',
        [
            task(
                'server',
                name='s',
                networks=[{'port': 'p'}, {'name': 'default'}],
                floating_ip='auto',
                user_data=SCRIPT,
                **STOPPED,
            ),
            task(
                'server',
                name='s',
                labels={'a': 'b'},
                security_groups=['killed'],
                description='d',
                delete_protection=True,
            ),
            task('server', name='s', volume_size=2),
            task('server', name='s', flavor='g1.micro', allow_restart=True),
            connect,
            task('server', name='s', floating_ip='none', delete_protection=False),
            task('server', name='s', floating_ip='auto'),
            connect,
            *gone('server', 's'),
        ],
        given=[
            task('port', name='p', network='default'),
            task('security_group', name='killed', rules=[{'preset': 'ssh'}]),
        ],
    ),
    Walk(
        'volume',
        [
            task('volume', name='v', size=1),
            task('volume', name='v', size=2, labels={'a': 'b'}),
            task('volume', name='v', state='attached', server='one'),
            task('volume', name='v', state='attached', server='two'),
            task('volume', name='v', state='detached'),
            *gone('volume', 'v'),
            task('volume', name='w', size=1, state='attached', server='one'),
            task('volume', name='w', state='detached'),
            *gone('volume', 'w'),
        ],
        given=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'floating IP',
        [
            task('floating_ip', name='f'),
            task('floating_ip', name='f', state='attached', server='one'),
            connect,
            task('floating_ip', name='f', state='attached', server='two', description='d'),
            connect,
            task('floating_ip', name='f', state='detached'),
            *gone('floating_ip', 'f'),
            hang_up,
        ],
        given=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'balancer',
        [
            task(
                'lb',
                name='l',
                listeners=HTTP,
                members=['one'],
                health_check={'port': 80},
                floating_ip='auto',
            ),
            task(
                'lb',
                name='l',
                members=['one', 'two'],
                algorithm='SOURCE_IP',
                labels={'a': 'b'},
                floating_ip='none',
            ),
            *gone('lb', 'l'),
        ],
        given=[task('server', name=name, **STOPPED) for name in ('one', 'two')],
    ),
    Walk(
        'balancer that is down',
        [
            task('lb', name='l', listeners=HTTP, members=['one']),
            stop_balancer,
            task('lb', name='l'),
            task('floating_ip', name='f', lb='l', state='attached'),
            task('floating_ip', name='f', port='p', state='attached'),
            *gone('floating_ip', 'f'),
            *gone('lb', 'l'),
        ],
        given=[task('server', name='one', **STOPPED), task('port', name='p')],
        slow=True,
    ),
    Walk(
        'server with all that it has',
        [
            task('server', name='s', floating_ip='auto', networks=[{'port': 'p'}], **STOPPED),
            task('volume', name='v', size=1, state='attached', server='s'),
            task('lb', name='l', listeners=HTTP, members=['s']),
            connect,
            *gone('server', 's'),
            *gone('lb', 'l'),
            *gone('volume', 'v'),
        ],
        given=[task('port', name='p')],
    ),
    Walk(
        'group that runs',
        [task('server', name='g', count=2, floating_ip='auto', **SMALL), *gone('server', 'g')],
        slow=True,
    ),
    Walk(
        'paused',
        [
            task('server', name='p', **SMALL),
            suspend,
            task('server', name='p', state='started'),
            *gone('server', 'p'),
        ],
        slow=True,
    ),
    Walk(
        'bridge gone',
        [unplug, task('network', name='default')],
        given=[task('server', name='one', **STOPPED)],
    ),
    Walk(
        'rules flushed',
        [flush, task('server', name='one')],
        given=[task('server', name='one', floating_ip='auto', **STOPPED)],
    ),
    Walk(
        'first-boot disk lost',
        [unseed, task('server', name='one', repair=True, user_data=SCRIPT)],
        given=[task('server', name='one', user_data=SCRIPT, **STOPPED)],
    ),
    Walk(
        'record lost',
        [lose, task('recover')],
        given=[task('server', name='one', floating_ip='auto', **STOPPED)],
    ),
    Walk(
        'record damaged',
        [damage, task('recover'), forget_damaged],
        given=[task('server', name='one', **STOPPED)],
    ),
    Walk(
        'power',
        [
            task('server', name='power', floating_ip='auto', **SMALL),
            task('server', name='power', state='stopped', force=True),
            task('server', name='power', state='started'),
            undefine,
            task('server', name='power', repair=True),
            task('server', name='power', state='stopped', force=True),
            undefine,
            task('server', name='power', repair=True),
            *gone('server', 'power'),
        ],
    ),
    Walk(
        'guest that is asked to stop',
        [
            task('server', name='power', **SMALL),
            task('server', name='power', state='stopped'),
            task('server', name='power', state='started'),
            task('server', name='power', flavor='g1.micro', allow_restart=True),
            *gone('server', 'power'),
        ],
        slow=True,
    ),
    Walk(
        'volume of a server that runs',
        [
            task('volume', name='v', size=1),
            task('volume', name='v', state='attached', server='up'),
            task('volume', name='v', size=2),
            task('volume', name='v', state='detached', force=True),
            *gone('volume', 'v'),
        ],
        given=[task('server', name='up', key_name='killed', wait_for='init', **SMALL)],
        slow=True,
    ),
)


class Killer:
    """Goes walks, and compares what they leave."""

    def __init__(self, runner: Runner, words: dict[str, str]) -> None:
        """``words``: what stands in braces in options."""
        self.runner, self.words = runner, words
        self.connections = [
            libvirt.openReadOnly(uri) for uri in ('qemu:///system', 'lxc:///system')
        ]
        self.turn = self.points = 0
        self.walked: set[str] = set()
        self.verbs: set[tuple[str, str]] = set()

    def look(self) -> dict[str, list[str]]:
        """The host as it is."""
        return seen.look(self.connections, os.path.dirname(self.words['key']))

    def do(self, requested: Task, kill: Point | None = None) -> killing.Ran:
        """Run a task."""
        options = {
            key: value.format(**self.words)
            if isinstance(value, str) and value.startswith('{')
            else value
            for key, value in requested.options.items()
        }
        return self.runner.run(requested.module, options, kill)

    def done(self, requested: Task) -> killing.Ran:
        """Run a task that ends well."""
        ran = self.do(requested)
        assert ran.status == 0, f'{requested}: {ran.result.get("msg") or ran.text}'
        assert not ran.result.get('failed'), ran.result
        return ran

    def undisturbed(
        self, walk: Walk
    ) -> tuple[dict[int, list[Point]], dict[int, dict[str, list[str]]]]:
        """The points of each task, and what the host is like after each."""
        points, after = {}, {}
        for number, step in enumerate(walk.steps):
            if isinstance(step, Task):
                ran = self.done(step)
                points[number], after[number] = killing.points(ran.steps), self.look()
                assert after[number]['export'] == []
                self.verbs |= {
                    (done['what'].split()[0], done['what'].rpartition(': ')[2])
                    for done in ran.result['steps']
                }
            else:
                step(self)
        return points, after

    def disturbed(self, requested: Task, point: Point, after: dict[str, list[str]]) -> list[str]:
        """Kill a task, run it again; what is wrong then."""
        killed = self.do(requested, point)
        if killed.status != -9:
            return [f'it was not reached; the steps were {killed.steps}']
        again = self.do(requested)
        if again.status or again.result.get('failed'):
            return [f'the next run failed: {again.result.get("msg") or again.text}']
        third = self.do(requested)
        problems = (
            [f'the run after the next changed: {third.result.get("msg")}']
            if third.result.get('changed') or third.status
            else []
        )
        problems += [f'{name} still runs' for name in killing.alive(killed.group)]
        return problems + seen.differences(after, self.look())

    def clean(self, walk: Walk) -> None:
        """After a walk that went wrong: all away that it may have made."""
        for step in reversed(walk.steps):
            if isinstance(step, Task) and step.options.get('name', 'default') != 'default':
                count = (
                    {'count': 0, 'allow_shrink': True}
                    if 'count' in step.options
                    else {
                        'state': 'absent',
                        **({'delete_protection': False} if step.module == 'server' else {}),
                    }
                )
                if step.module == 'volume':
                    self.do(task('volume', name=step.options['name'], state='detached', force=True))
                self.do(Task(step.module, {'name': step.options['name'], **count}))
        forget_key(self)


@pytest.fixture(scope='module')
def killer(host: None, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    """What kills, on a host on which something of each kind has been made before, so that its folders are there."""
    runner = Runner()
    with ThreadingHTTPServer(
        ('127.0.0.1', 0),
        functools.partial(SimpleHTTPRequestHandler, directory=os.path.dirname(tiny)),
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/{os.path.basename(tiny)}'
        checksum = 'sha256:' + hashlib.sha256(Path(tiny).read_bytes()).hexdigest()
        found = Killer(
            runner,
            {
                'tiny': tiny,
                'url': url,
                'checksum': checksum,
                'key': str(tmp_path_factory.mktemp('keys') / 'killed.pem'),
            },
        )
        made = [
            task('image', name='killed', path='{tiny}'),
            task('keypair', name='killed', public_key=PUBLIC),
            task('init_script', name='killed', content=SCRIPT),
            task('server', name='first', **STOPPED),
            task('volume', name='first', size=1),
            task('lb', name='balancer', listeners=HTTP, members=['first']),
        ]
        for step in made:
            found.done(step)
        for step in [*gone('lb', 'balancer'), *gone('volume', 'first'), *gone('server', 'first')]:
            found.done(step)
        yield found
        for step in reversed(made[:3]):
            found.done(*gone(step.module, step.options['name']))
        server.shutdown()
    runner.close()


@pytest.fixture(params=WALKS, ids=lambda walk: walk.name)
def walk(request: pytest.FixtureRequest, killer: Killer) -> Iterator[Walk]:
    """Each of them, with what has to be there."""
    for step in request.param.given:
        killer.done(step)
    yield request.param
    for step in reversed(request.param.given):
        killer.done(*gone(step.module, step.options['name']))


def test_killed_anywhere(walk: Walk, killer: Killer, soak: bool) -> None:
    """A walk is gone once undisturbed, then with a kill in each of its tasks."""
    before = killer.look()
    points, after = killer.undisturbed(walk)
    assert not seen.differences(before, killer.look()), 'undisturbed, the walk did not lead back'
    killer.walked.add(walk.name)
    problems: list[str] = []
    turns = max(map(len, points.values())) if soak else 1 if walk.slow else TURNS
    for turn in range(turns):
        found = once(walk, killer, turn if soak else None, points, after)
        problems += found
        if found:
            killer.clean(walk)
            left = seen.differences(before, killer.look())
            if left:
                pytest.fail(
                    '\n'.join([*problems, 'and what it left could not be deleted:', *left]),
                    pytrace=False,
                )
    if problems:
        pytest.fail('\n'.join(problems), pytrace=False)


def once(
    walk: Walk,
    killer: Killer,
    turn: int | None,
    points: dict[int, list[Point]],
    after: dict[int, dict[str, list[str]]],
) -> list[str]:
    """Go a walk with a kill in each task, up to the first that is not made good; what is wrong then."""
    for number, step in enumerate(walk.steps):
        if not isinstance(step, Task):
            step(killer)
            continue
        some = points[number]
        if turn is not None and turn >= len(some):
            killer.done(step)
            continue
        killer.turn += 1
        point = killing.sample(some, killer.turn) if turn is None else some[turn]
        found = killer.disturbed(step, point, after[number])
        killer.points += 1
        figures.add('Killed anywhere', points=1)
        if found:
            return [f'{step}, killed {point}:', *('    ' + problem for problem in found)]
    return []


def test_all_that_can_be_done_was_killed(killer: Killer) -> None:
    """Each verb of each resource of a cloud, in a module of each kind, at 60 points and more."""
    if killer.walked != {walk.name for walk in WALKS}:
        pytest.skip('some walks were left out')
    clouds = {
        name: typing.get_type_hints(found.fget)['return']
        for name, found in vars(Cloud).items()
        if isinstance(found, property)
    }
    resources = {name[:-1]: typing.get_origin(kind) or kind for name, kind in clouds.items()}
    verbs = {
        (kind, verb)
        for kind, one in resources.items()
        for verb in dir(one)
        if 'changes' in getattr(getattr(one, verb), '__annotations__', {})
    }
    assert len(verbs) > 40
    assert verbs - killer.verbs == set()
    modules = {
        path.stem
        for path in (ROOT / 'plugins' / 'modules').glob('*.py')
        if not path.stem.endswith(('_info', '__init__'))
    }
    assert {
        step.module for walk in WALKS for step in walk.steps if isinstance(step, Task)
    } == modules
    assert killer.points >= 60


def test_killed_while_the_record_is_made(killer: Killer, tmp_path: Path) -> None:
    """The first task of a host makes the record: killed at any step, it leaves nothing that the next one stumbles over."""
    requested = task('keypair', name='k', public_key=PUBLIC)
    state = tmp_path / 'state'

    def run(kill: Point | None = None) -> killing.Ran:
        return killer.runner.run(requested.module, requested.options, kill, HANOK_STATE=str(state))

    def left() -> tuple[list[str], list[str], list[str]]:
        tables = seen.rows(str(state))
        files = sorted(
            path.name for path in state.rglob('*') if not path.name.endswith(('-wal', '-shm'))
        )
        return files, seen.recorded(tables, seen.Names(tables)), seen.export(tables, str(state))

    points, wanted = killing.points(run().steps), left()
    assert wanted[1]
    for point in points:
        shutil.rmtree(state)
        assert run(point).status == -9, point
        assert run().status == 0, point
        assert not run().result['changed'], point
        assert left() == wanted, point
        figures.add('Killed anywhere', points=1)


def test_killed_teardown(killer: Killer, soak: bool, tmp_path: Path) -> None:
    """The controller is killed in the middle of a playbook, while its module goes on; the same playbook once more takes the rest away."""
    playbook = ROOT / 'playbooks' / 'teardown.yml'
    names = [
        found['name'] for found in yaml.safe_load(playbook.read_text(encoding='utf-8'))[0]['tasks']
    ]
    before = killer.look()
    variables = f'getting_started_key_file={tmp_path / "key"}'
    made = [
        task('image', name='tiny', path='{tiny}'),
        task('image', name='web', path='{tiny}'),
        task('keypair', name='getting-started', private_key_file=str(tmp_path / 'key')),
        task(
            'server',
            name='hello',
            image='tiny',
            flavor='g1.nano',
            state='stopped',
            key_name='getting-started',
        ),
        task(
            'server',
            name='hello-again',
            image='tiny',
            flavor='g1.nano',
            state='stopped',
            floating_ip='auto',
        ),
        task(
            'server',
            name='web',
            count=2,
            image='web',
            flavor='g1.nano',
            state='stopped',
            floating_ip='auto',
        ),
        task('volume', name='data', size=1, server='hello', state='attached'),
        task('floating_ip', name='hello', server='hello', state='attached'),
        task('lb', name='web', listeners=HTTP, members=['web-1', 'web-2'], floating_ip='auto'),
        task('security_group', name='default', rules=[{'preset': 'ssh'}]),
    ]
    for name in names if soak else names[1:2]:
        for step in made:
            killer.done(step)
        with subprocess.Popen(
            [*PLAYBOOK, str(playbook), '--extra-vars', variables],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as play:
            assert play.stdout is not None
            assert any(f'TASK [{name}]' in line for line in play.stdout), name
            play.kill()
        assert Play(str(playbook), '--extra-vars', variables).code == 0, name
        assert Play(str(playbook), '--extra-vars', variables).changed == 0, name
        assert not seen.differences(before, killer.look()), name
        figures.add('Killed anywhere', points=1)
