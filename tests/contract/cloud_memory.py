# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud in memory; modules run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import run as edge
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import Image
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import (
    ForeignRule,
    normalized,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Size
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import (
    POWER,
    Status,
    TaskState,
)
from ansible_collections.hanok.cloud.tests.contract.clouds import (
    CAN,
    CloudUnderTest,
    run_in_process,
)
from ansible_collections.hanok.cloud.tests.memory_cloud import (
    Memory,
    MemoryCloud,
    memory_opener,
)

FOREIGN: dict[str, Callable[[str], Any]] = {
    'image': lambda name: Image(name, source=''),
    'network': lambda name: Network(name, '10.66.0.0/24', '10.66.0.1'),
}


def opened(folder: Path) -> Iterator[CloudUnderTest]:
    """The cloud."""
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

    def set_status(name: str, status: Status) -> None:
        servers = memory.kinds['server']
        power = POWER.get(status) or 'started'
        rescue_image = 'small' if status == Status.RESCUE else None
        before = Size('g1.nano', 1, 128, 2) if status == Status.VERIFY_RESIZE else None
        flavor = 'g1.micro' if before else 'g1.nano'
        values = {'flavor': flavor, 'rescue_image': rescue_image, 'resized_from': before}
        servers[name] = replace(servers[name], status=status, power=power, **values)

    @contextmanager
    def other_run(name: str, task_state: TaskState) -> Iterator[None]:
        servers = memory.kinds['server']
        servers[name] = replace(servers[name], task_state=task_state)
        yield
        memory.end_other_runs()

    def clean(before: Any) -> None:
        for kind, items in memory.kinds.items():
            for name in set(items) - set(before[kind]):
                del items[name]

    def create_foreign(kind: str, name: str) -> str:
        if kind == 'server':
            options = {'image': 'small', 'flavor': 'g1.nano'}
            run_in_process('server', name=name, **options)
            found = replace(memory.kinds[kind][name], created_by='')
        else:
            found = memory.known(FOREIGN[kind](name), '')
        memory.kinds[kind][name] = found
        return str(found.id)

    def add_foreign_rule(name: str, rule: ForeignRule) -> None:
        group = memory.kinds['security_group'][name]
        rules = normalized((*group.rules, rule))
        memory.kinds['security_group'][name] = replace(group, rules=rules)

    @contextmanager
    def limited(resource: str, more: int) -> Iterator[None]:
        memory.limits[resource] = memory.used()[resource] + more
        yield
        del memory.limits[resource]

    @contextmanager
    def name_admins(*names: str) -> Iterator[None]:
        memory.admins = [*names]
        yield
        memory.admins = None

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
            clean=clean,
            create_foreign=create_foreign,
            statuses=tuple(Status),
            set_status=set_status,
            memory=memory,
            add_foreign_rule=add_foreign_rule,
            limited=limited,
            set_console=memory.consoles.__setitem__,
            name_admins=name_admins,
        )
