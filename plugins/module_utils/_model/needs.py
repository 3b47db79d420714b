# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the changes of a plan need of a cloud, and the form in which it tells its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Dict, NamedTuple, Tuple, cast

from .change import AFTER_APPLY, Change
from .effect import COMPLETES_INTERRUPTED_RUN
from .kinds import KINDS
from .status import Status
from .volume import DEFAULT_TYPE

if TYPE_CHECKING:
    from .lb import Lb
    from .port import Port
    from .security_group import SecurityGroup
    from .server import Server, Size
    from .volume import Volume

# What is limited is called as the items of a kind are in results, or: vcpus, memory, volume_size,
# ports and security_group_rules of a project; host_vcpus, host_memory and host_disk, which servers
# that are not shelved, load balancers and all volumes hold of a host; running_memory, which guests
# use; addresses:NETWORK.
BALANCER_MEMORY = 256  # MiB that the container of a load balancer may use
_COUNTED = (
    'server',
    'volume',
    'network',
    'port',
    'security_group',
    'floating_ip',
    'lb',
    'server_snapshot',
)


class Need(NamedTuple):
    """An amount of something that is limited, and how many items of a kind need it.

    ``flavor``: that of all these items, if they are new servers.
    """

    kind: str
    items: int
    amount: int
    flavor: str | None = None


class Supply(NamedTuple):
    """What a limit was computed from, in the words of Nova: (total - reserved) * ratio."""

    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0


class Limit(NamedTuple):
    """How much of something there is, and how much of it is used.

    ``owner``: who has it. ``way_out``: what to do, or who can raise the limit. ``is_advice``: more
    can be used, but not well. ``supply``: where what there is belongs to a host. ``holders``: the
    number of items that use it, by kind, where that is known.
    """

    resource: str
    total: int
    used: int
    owner: str = 'the project'
    way_out: str = 'ask the operator for a larger quota'
    is_advice: bool = False
    supply: Supply | None = None
    holders: Mapping[str, int] = {}

    @property
    def free(self) -> int:
        """What is left, which is nothing if more is used than there is."""
        return max(0, self.total - self.used)


def needs_of(changes: Iterable[Change]) -> Dict[str, Need]:
    """Return what changes need, by what is limited.

    What a run that was interrupted has requested already is not needed again. What is deleted
    counts too: a plan deletes before it creates.
    """
    needs: Dict[str, Need] = {}
    for change in changes:
        if change.why != COMPLETES_INTERRUPTED_RUN:
            for resource, amount in _growth(change).items():
                need = needs.get(resource, Need(change.kind, 0, 0, _new_flavor(change)))
                needs[resource] = Need(
                    change.kind,
                    need.items + (amount > 0),
                    need.amount + amount,
                    need.flavor if need.flavor == _new_flavor(change) else None,
                )
    return {resource: need for resource, need in needs.items() if need.amount > 0}


def _new_flavor(change: Change) -> str | None:
    """The flavor of a server that is created."""
    is_new = change.kind == 'server' and change.before is None
    return cast('Server', change.after).flavor if is_new else None


def _growth(change: Change) -> Mapping[str, int]:
    """What is used more after a change than before it."""
    before, after = _used(change.kind, change.before), _used(change.kind, change.after)
    resources = {*before, *after}
    growth = {one: after.get(one, 0) - before.get(one, 0) for one in resources}
    return {resource: amount for resource, amount in growth.items() if amount}


def _used(kind: str, item: object) -> Mapping[str, int]:
    """What an item uses."""
    if item is None or kind not in _COUNTED:
        return {}
    used = {KINDS[kind].plural: 1}
    if kind == 'server':
        used.update(_used_by_server(cast('Server', item)))
    if kind == 'volume':
        volume = cast('Volume', item)
        used['volume_size'] = used[disk_of(volume.volume_type)] = volume.size
    if kind == 'security_group':
        used['security_group_rules'] = len(cast('SecurityGroup', item).rules)
    if kind == 'port':
        used[addresses_of(cast('Port', item).network)] = 1
    if kind == 'lb':
        balancer = cast('Lb', item)
        used[addresses_of(balancer.network)] = 1
        used['host_memory'] = BALANCER_MEMORY
        used['floating_ips'] = _is_new(balancer.floating_ip)
    return used


def addresses_of(network: str) -> str:
    """The resource that the addresses of a network are."""
    return f'addresses:{network}'


def disk_of(volume_type: str) -> str:
    """The resource of a host that the disks of volumes of a type use."""
    return 'host_disk' if volume_type == DEFAULT_TYPE else f'host_disk:{volume_type}'


def _used_by_server(server: Server) -> Mapping[str, int]:
    held = (0, 0)
    if server.status != Status.SHELVED_OFFLOADED:
        held = held_by(server.vcpus, server.memory, server.resized_from)
    networks = [nic.name for nic in server.networks if not (nic.port or nic.bridge)]
    return {
        **{addresses_of(network): networks.count(network) for network in networks},
        'vcpus': server.vcpus,
        'memory': server.memory,
        'running_memory': server.memory if server.power == 'started' else 0,
        'ports': len(networks),
        'host_vcpus': held[0],
        'host_memory': held[1],
        'host_disk': server.volume_size,
        'floating_ips': _is_new(server.floating_ip),
    }


def _is_new(floating_ip: str | None) -> int:
    """Whether a floating IP is created with what has it: then it has no address yet."""
    return int(floating_ip == AFTER_APPLY)


def held_by(vcpus: int, memory: int, before: Size | None) -> Tuple[int, int]:
    """Return the vCPUs and the memory that a host holds for a server that is not shelved.

    One that is stopped or paused can be started again, as in Nova. ``before``: its size before a
    resize, which can be reverted.
    """
    if before is None:
        return vcpus, memory
    return max(vcpus, before.vcpus), max(memory, before.memory)
