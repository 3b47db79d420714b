# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud of this host, in a world; modules run as processes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.clouds import open_cloud
from ansible_collections.hanok.cloud.plugins.module_utils._local.host.locks import Locks
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import Status, TaskState
from ansible_collections.hanok.cloud.tests import idle_machine
from ansible_collections.hanok.cloud.tests.contract.clouds import CAN, CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result
from ansible_collections.hanok.cloud.tests.integration import conftest as integration
from ansible_collections.hanok.cloud.tests.reliability.forks import ForkServer
from ansible_collections.hanok.cloud.tests.reliability.invariants import output_of

SETTINGS = Path('/etc/hanok/host.json')
# What gives a server a status, whatever it has; and what comes before, for some of them. No guest
# runs in it: it is powered off.
OFF = {'action': 'stop', 'force': True}
TO: Mapping[Status, Sequence[Result]] = {
    Status.ACTIVE: [{'action': 'start'}],
    Status.SHUTOFF: [OFF],
    Status.PAUSED: [{'action': 'start'}, {'action': 'pause'}],
    Status.SHELVED_OFFLOADED: [{'action': 'shelve', 'force': True}],
    Status.RESCUE: [{'action': 'rescue', 'force': True}],
    Status.VERIFY_RESIZE: [
        {'action': 'start'},
        {'action': 'resize', 'force': True},
    ],
}
BACK: Mapping[Status, Result] = {
    Status.PAUSED: {'action': 'unpause'},
    Status.SHELVED_OFFLOADED: {'action': 'unshelve'},
    Status.RESCUE: {'action': 'unrescue', 'force': True},
    Status.VERIFY_RESIZE: {'action': 'revert_resize', 'force': True},
}


def opened(folder: Path) -> Iterator[CloudUnderTest]:
    """The cloud."""
    integration.prepare_host()
    server = ForkServer()

    def run(module: str, check: bool = False, **options: Any) -> Result:
        ran = server.run(module, options, check)
        assert not ran.faults(), ran.faults()
        return ran.result

    def at_once(tasks: Sequence[tuple[str, Result]]) -> list[Result]:
        found = server.crowd(tasks)
        assert not any(ran.faults() for ran in found), found
        return [ran.result for ran in found]

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

    def set_status(name: str, status: Status) -> None:
        machines = output_of('virsh', 'list', '--all', '--name').split()
        (machine,) = (machine for machine in machines if machine.endswith(f'-{name}'))
        if status == Status.UNMANAGED:
            output_of('virsh', 'setvcpus', machine, '3', '--maximum', '--config')
            return
        now = run('server_info', name=name)['servers'][0]
        if now['status'] in BACK:
            run('server_action', name=name, **BACK[Status(now['status'])])
            now = run('server_info', name=name)['servers'][0]
        other = 'g1.nano' if now['flavor'] == 'g1.micro' else 'g1.micro'
        for options in TO[status]:
            flavor = {'flavor': other} if options['action'] == 'resize' else {}
            run('server_action', name=name, **options, **flavor)

    @contextmanager
    def limited(resource: str, more: int) -> Iterator[None]:
        capacity = run('capacity_info')['capacity']
        key, _colon, volume_type = resource.removeprefix('host_').partition(':')
        found = capacity['volume_types'][volume_type] if volume_type else capacity[key]
        before = SETTINGS.read_text('utf-8')
        limit = found['used'] + more
        settings = json.loads(before)
        if volume_type:
            settings['volume_types'][0]['capacity'] = limit
        elif resource == 'host_memory':
            settings.update(
                ram_allocation_ratio=1.0, reserved_host_memory_mb=found['total'] - limit
            )
        else:
            name = {'host_vcpus': 'cpu', 'host_disk': 'disk'}[resource]
            # A little above a whole number, so that rounding does not lose one.
            settings[f'{name}_allocation_ratio'] = (limit + 0.1) / found['total']
        SETTINGS.write_text(json.dumps(settings), 'utf-8')
        yield
        SETTINGS.write_text(before, 'utf-8')

    @contextmanager
    def name_admins(*names: str) -> Iterator[None]:
        before = SETTINGS.read_text('utf-8')
        SETTINGS.write_text(json.dumps({**json.loads(before), 'admins': names}), 'utf-8')
        yield
        SETTINGS.write_text(before, 'utf-8')

    def set_console(identity: str, printed: bytes) -> None:
        Path('/var/lib/hanok/servers', identity, 'console.log').write_bytes(printed)

    store = folder / 'backups'
    store.mkdir()
    fast = {'path': str(folder), 'capacity': 1000, 'limits': {'disk_iops': 900}}
    types = integration.volume_types(fast=fast)
    stores = integration.backup_stores(disk=store)
    with integration.host_bridges('br0', 'br1'), stores, types:
        has_vlans = integration.separate_vlans('br1')
        yield CloudUnderTest(
            'local',
            run,
            lambda project='default', _kind='': open_cloud('local', project, 'tester', 60),
            integration.observed_state,
            integration.inventory,
            idle_machine.image(folder),
            CAN['local'] | ({'VLANs'} if has_vlans else set()),
            interrupt,
            other_run,
            (*TO, Status.UNMANAGED),
            set_status,
            at_once=at_once,
            limited=limited,
            set_console=set_console,
            name_admins=name_admins,
        )
    server.close()
