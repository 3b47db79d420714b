# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the suite needs of a cloud that it runs on.

There is one in memory, the one of this host, and an OpenStack: cloud_NAME.py.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import (
    ForeignRule,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.status import (
    Status,
    TaskState,
)
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run
from ansible_collections.hanok.cloud.tests.memory_cloud import (
    Memory,
)
from ansible_collections.hanok.cloud.tests.module_args import patch_module_args

# What a cloud may lack: tests that need some of it say so with the mark ``needs``.
FEATURES = frozenset(
    {
        'history',
        'repairs of servers',
        'labels of key pairs',
        'owners of key pairs',
        'ids of key pairs',
        'dates of all key pairs',
        'several keys of a server',
        'flavors of a project',
        'networks of projects that differ',
        'pools whose addresses are known',
        'power off',
        'servers without flavors',
        'hardware of servers',
        'containers',
        'bridges of the host',
        'VLANs',
        'rescues of volumes',
        'snapshots of servers',
        'backups',
        'schedules',
        'files of images',
        'limits of volumes',
        'read-only volumes',
        'file systems of guests',
        'double names',
        'requests',
        'credentials',
        'quotas',
        'projects',
        'limits of the host',
        'silent guests',
    }
)
_OF_OPENSTACK = frozenset({'double names', 'requests', 'credentials'})
CAN = {
    'memory': FEATURES - {'repairs of servers', *_OF_OPENSTACK},
    'local': FEATURES - {'quotas', 'silent guests', 'VLANs', 'schedules', *_OF_OPENSTACK},
    'openstack': _OF_OPENSTACK | {'quotas', 'silent guests'},
}
MODULES = 'ansible_collections.hanok.cloud.plugins.modules'


class CloudUnderTest(NamedTuple):
    """A cloud, and what is in it from the beginning.

    ``open``: open it for a project, as the user who may change a kind. ``state``: everything that a
    task can change, to be compared. ``remains``: what is left when all items of a test are deleted.
    ``image_path``: a small disk image. ``can``: what not every cloud can (FEATURES). ``interrupt``:
    leave a server as a run does that was killed. ``other_run``: while its context lasts, another
    run is working on a server. ``statuses``, ``set_status``: what ``set_status`` can give to a
    server. ``clean``: delete what was not in ``remains`` before. ``create_project``: where projects
    do not exist by themselves. ``create_foreign``: create an item of a kind with a name as another
    program does; return its id. ``at_once``: run tasks at the same time. ``counted``,
    ``lost_answer``, ``killed``: openstack_requests.py. ``memory``: of a cloud whose items can be
    set by hand. ``add_foreign_rule``: add a rule to a security group as others do. ``limited``:
    while its context lasts, only some more of a resource can be used. ``set_console``: set what the
    server with an id has printed on its console. ``name_admins``: while its context lasts, the
    settings of the host name its admins.
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
    statuses: Collection[Status] = ()
    set_status: Callable[[str, Status], None] | None = None
    clean: Callable[[Any], None] | None = None
    create_project: Callable[[str], None] | None = None
    create_foreign: Callable[[str, str], str] | None = None
    at_once: Callable[[Sequence[tuple[str, Result]]], list[Result]] | None = None
    counted: Callable[[], AbstractContextManager[list[str]]] | None = None
    lost_answer: Callable[[int], AbstractContextManager[list[str]]] | None = None
    killed: Callable[[Callable[[], object], int, bool], bool] | None = None
    memory: Memory | None = None
    network: str = 'default'
    flavor: str = 'g1.nano'
    larger_flavor: str = 'g1.micro'
    add_foreign_rule: Callable[[str, ForeignRule], None] | None = None
    limited: Callable[[str, int], AbstractContextManager[None]] | None = None
    set_console: Callable[[str, bytes], None] | None = None
    name_admins: Callable[..., AbstractContextManager[None]] | None = None


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
