# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clouds that the suite runs on: one in memory, the one of this host, an OpenStack."""

from __future__ import annotations

import importlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import run as edge
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.clouds import open_cloud
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import (
    ForeignRule,
    normalized,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run
from ansible_collections.hanok.cloud.tests.memory_cloud import (
    Memory,
    MemoryCloud,
    memory_opener,
)

# What a cloud may lack: tests that need some of it say so with the mark ``needs``.
FEATURES = frozenset(
    {
        'history',
        'repairs of servers',
        'labels of key pairs',
        'owners of key pairs',
        'ids of key pairs',
        'several keys of a server',
        'flavors of a project',
        'ranges of networks that differ between projects',
        'pools whose addresses are known',
    }
)
CAN = {
    'memory': FEATURES - {'repairs of servers'},
    'local': FEATURES,
    'openstack': frozenset[str](),
}
MODULES = 'ansible_collections.hanok.cloud.plugins.modules'


class CloudUnderTest(NamedTuple):
    """A cloud, and what is in it from the beginning.

    ``open``: open it for a project, as the user who may change a kind. ``state``: everything that a
    task can change, to be compared. ``remains``: what is left when all items of a test are deleted.
    ``image_path``: a small disk image. ``can``: what not every cloud can (FEATURES). ``interrupt``:
    leave a server as a run does that was killed. ``other_run``: while its context lasts, another
    run is working on a server. ``memory``: of a cloud whose items can be set by hand.
    ``add_foreign_rule``: add a rule to a security group as another program would do.
    """

    name: str
    run: Run
    open: Callable[..., Any]
    state: Callable[[], Any]
    remains: Callable[[], Any]
    image_path: str
    can: frozenset[str]
    interrupt: Callable[[str, TaskState], None] | None = None
    other_run: Callable[[str, TaskState], AbstractContextManager[None]] | None = None
    memory: Memory | None = None
    network: str = 'default'
    flavor: str = 'g1.nano'
    larger_flavor: str = 'g1.micro'
    add_foreign_rule: Callable[[str, ForeignRule], None] | None = None


def memory_cloud(folder: Path) -> Iterator[CloudUnderTest]:
    """A cloud in memory; modules run in this process."""
    memory = Memory()
    network = Network('default', '192.168.0.0/24', '192.168.0.1')
    memory.kinds['network']['default'] = memory.known(network, 'memory')
    image = folder / 'small.qcow2'
    image.write_bytes(b'QFI\xfb')

    def state() -> Any:
        return {kind: dict(items) for kind, items in memory.kinds.items()}

    def names() -> Any:
        return {kind: sorted(items) for kind, items in memory.kinds.items()}

    def interrupt(name: str, unfinished: TaskState) -> None:
        servers = memory.kinds['server']
        values = {'unfinished': unfinished, 'status': Status.ERROR}
        servers[name] = replace(servers[name], **values)

    @contextmanager
    def other_run(name: str, task_state: TaskState) -> Iterator[None]:
        servers = memory.kinds['server']
        servers[name] = replace(servers[name], task_state=task_state)
        yield
        memory.end_other_runs()

    def add_foreign_rule(name: str, rule: ForeignRule) -> None:
        group = memory.kinds['security_group'][name]
        rules = normalized((*group.rules, rule))
        memory.kinds['security_group'][name] = replace(group, rules=rules)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge, 'open_cloud', memory_opener(memory))
        yield CloudUnderTest(
            'memory',
            run_in_process,
            lambda project='default', _kind='': MemoryCloud(memory.of(project), 'tester'),
            state,
            names,
            str(image),
            CAN['memory'],
            interrupt,
            other_run,
            memory,
            add_foreign_rule=add_foreign_rule,
        )


def run_in_process(module: str, check: bool = False, **options: Any) -> Result:
    """Run a module in this process; its result."""
    found: list[Result] = []
    warnings: list[str] = []
    plugin = importlib.import_module(f'{MODULES}.{module}')
    (main,) = (value for name, value in vars(plugin).items() if name.startswith('main'))
    # The main function of most _info modules takes the kind.
    kinds = [module.removesuffix('_info')] if main.__code__.co_argcount else []
    arguments = {**options, '_ansible_check_mode': check, '_ansible_diff': True}
    with pytest.MonkeyPatch.context() as patch, patch_module_args(arguments):
        patch.setattr('builtins.print', lambda text: found.append(json.loads(text)))
        # Ansible collects the warnings of a process, which here is that of all tasks.
        patch.setattr(AnsibleModule, 'warn', lambda _module, text: warnings.append(text))
        with pytest.raises(SystemExit):
            main(*kinds)
    return {**found[-1], 'warnings': warnings}


def local_cloud(_folder: Path) -> Iterator[CloudUnderTest]:
    """The cloud of this host, in a world; modules run as processes."""
    from ansible_collections.hanok.cloud.tests.integration import conftest as integration
    from ansible_collections.hanok.cloud.tests.reliability.forks import ForkServer

    integration.prepare_host()
    server = ForkServer()

    def run(module: str, check: bool = False, **options: Any) -> Result:
        ran = server.run(module, options, check)
        assert not ran.faults(), ran.faults()
        return ran.result

    def interrupt(name: str, task_state: TaskState | None) -> None:
        path = '/var/lib/hanok/hanok.db'
        with closing(sqlite3.connect(path, isolation_level=None)) as sql:
            sql.execute('UPDATE server SET task_state = ? WHERE name = ?', (task_state, name))

    @contextmanager
    def other_run(name: str, task_state: TaskState) -> Iterator[None]:
        locks = Locks('/var/lib/hanok/locks', 'the other run', 0)
        locks.acquire({('server', name)})
        interrupt(name, task_state)
        yield
        if task_state != TaskState.DELETING:
            interrupt(name, None)
        locks.release()
        if task_state == TaskState.DELETING:
            run('server', name=name, state='absent')
        run('network', name='default')  # the upkeep with which a run ends

    yield CloudUnderTest(
        'local',
        run,
        lambda project='default', _kind='': open_cloud('local', project, 'tester', 60),
        integration.observed_state,
        integration.inventory,
        integration.newest_image('tiny'),
        CAN['local'],
        interrupt,
        other_run,
    )
    server.close()


def openstack_cloud(folder: Path) -> Iterator[CloudUnderTest]:
    """A project of an OpenStack; modules run in this process."""
    from ansible_collections.hanok.cloud.tests.contract import openstack_cloud as found

    yield from found.openstack_cloud(folder)


CLOUDS = {'memory': memory_cloud, 'local': local_cloud, 'openstack': openstack_cloud}
