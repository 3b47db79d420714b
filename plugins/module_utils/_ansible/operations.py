# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operations of a cloud by kind and verb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Callable, Tuple

from .._cloud import Cloud, Outcomes
from .._model.change import Changes, Item
from .._model.kinds import Verb
from .clouds import supported

if TYPE_CHECKING:
    from .._cloud.contract import Projects
    from .._cloud.items import UpdatableItems
    from .._cloud.snapshots import Backups, ServerSnapshots

Operation = Callable[[Changes], Outcomes]
Operations = Mapping[Tuple[str, Verb], Operation]


def snapshots_of(cloud: Cloud) -> ServerSnapshots:
    """Return the snapshots of servers. Raises Unsupported for a cloud without them."""
    return supported(cloud, cloud.server_snapshots, 'cloud')


def backups_of(cloud: Cloud) -> Backups:
    """Return the backups. Raises Unsupported without them."""
    return supported(cloud, cloud.backups, 'cloud')


def projects_of(cloud: Cloud) -> Projects:
    """Return the projects. Raises Unsupported without them."""
    return supported(cloud, cloud.projects, 'cloud')


_ITEMS: Mapping[str, Callable[[Cloud], UpdatableItems[Item]]] = {
    'keypair': lambda cloud: cloud.keypairs,
    'flavor': lambda cloud: cloud.flavors,
    'init_script': lambda cloud: cloud.init_scripts,
    'image': lambda cloud: cloud.images,
    'network': lambda cloud: cloud.networks,
    'port': lambda cloud: cloud.ports,
    'security_group': lambda cloud: cloud.security_groups,
    'floating_ip': lambda cloud: cloud.floating_ips,
    'volume': lambda cloud: cloud.volumes,
    'volume_snapshot': lambda cloud: cloud.volume_snapshots,
    'server': lambda cloud: cloud.servers,
    'lb': lambda cloud: cloud.lbs,
    'server_snapshot': snapshots_of,
    'backup': backups_of,
    'schedule': lambda cloud: supported(cloud, cloud.schedules, 'cloud'),
    'project': projects_of,
}
_COMMON: Mapping[Verb, Callable[[UpdatableItems[Item]], Operation]] = {
    Verb.CREATE: lambda items: items.create,
    Verb.UPDATE: lambda items: items.update,
    Verb.DELETE: lambda items: items.delete,
}
_OTHERS: Mapping[Tuple[str, Verb], Callable[[Cloud], Operation]] = {
    ('volume', Verb.ATTACH): lambda cloud: cloud.volumes.attach,
    ('volume', Verb.DETACH): lambda cloud: cloud.volumes.detach,
    ('volume_snapshot', Verb.RESTORE): lambda cloud: cloud.volume_snapshots.restore,
    ('server', Verb.REPAIR): lambda cloud: supported(cloud, cloud.repairs, 'repair').repair,
    ('server_snapshot', Verb.RESTORE): lambda cloud: snapshots_of(cloud).restore,
    ('backup', Verb.RESTORE): lambda cloud: backups_of(cloud).restore,
    ('firewall', Verb.LOAD): lambda cloud: supported(cloud, cloud.upkeep, 'upkeep').load,
}


def items_of(cloud: Cloud, kind: str) -> UpdatableItems[Item]:
    """Return the items of a kind."""
    return _ITEMS[kind](cloud)


def operation(cloud: Cloud, kind: str, verb: Verb) -> Operation:
    """Return what applies changes with this verb to items of this kind."""
    if verb in _COMMON:
        return _COMMON[verb](items_of(cloud, kind))
    from .._model.lifecycle import ACTIONS

    if kind == 'server' and verb in ACTIONS:
        return cloud.servers.act
    return _OTHERS[kind, verb](cloud)
