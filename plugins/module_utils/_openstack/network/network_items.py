# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Networks as Neutron returns them, translated."""

from __future__ import annotations

from collections.abc import Callable
from typing import List, Tuple

from ..._model.network import Network
from ..._model.status import TaskState
from ..api.api import Raw, Raws
from ..api.names import age
from .tags import description_of, marks_of

UNFINISHED = {'creating': TaskState.CREATING, 'deleting': TaskState.DELETING}


def is_listed(raw: Raw) -> bool:
    """Return whether servers can be in a network: external ones may be for routers only."""
    return not raw['router:external'] or bool(raw['shared'])


def default_network(listed: Raws, marked: Callable[[], str | None]) -> str | None:
    """Return the name of the network of what is created without one; None: it is not known.

    ``listed``: those that servers can be in. ``marked``: the one with default_interface in
    clouds.yaml.
    """
    names = {raw['name'] for raw in listed}
    if 'default' in names or not names:
        return 'default'
    chosen = marked()
    if chosen:
        return chosen
    inner = {raw['name'] for raw in listed if not raw['router:external']}
    candidates = inner or names
    if len(candidates) > 1:
        return None
    return str(candidates.pop())


def ipv4_subnets(network_id: str, subnets: Raws) -> List[Raw]:
    """Return the IPv4 subnets of a network, the oldest first."""
    own = [raw for raw in subnets if raw['network_id'] == network_id]
    ipv4 = [raw for raw in own if raw['ip_version'] == 4]
    return sorted(ipv4, key=age)


def network_of(raw: Raw, subnets: Raws, used_by: Tuple[str, ...]) -> Network:
    """Return a network. ``subnets``: of all networks.

    One without an IPv4 subnet has no range, but that which it gets when its creation is completed.
    """
    marks = marks_of(raw)
    found = ipv4_subnets(raw['id'], subnets)
    own = marks.own
    cidr = own.get('cidr', '')
    gateway = own.get('gateway', '')
    if found:
        cidr = found[0]['cidr']
        gateway = found[0]['gateway_ip'] or ''
    return Network(
        raw['name'],
        cidr,
        gateway,
        description=description_of(raw),
        labels=marks.labels,
        bridge='',
        used_by=used_by,
        id=raw['id'],
        unfinished=UNFINISHED.get(own.get('unfinished', '')),
        created_by=marks.created_by,
        created_at=raw['created_at'],
        delete_protection=marks.delete_protection,
    )
