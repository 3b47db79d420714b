# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.checks import DEFAULT_GROUP
from .._model.port import TABLE, Port, PortRequest
from .._model.profile import UNKNOWN, Profile
from .common import plan_one

if TYPE_CHECKING:
    from .._model.network import Network
    from .._model.security_group import SecurityGroup


@dataclass(frozen=True)
class ObservedPorts:
    """Existing resources by name, the owners of the requested address and MAC, and the host."""

    ports: Mapping[str, Port]
    networks: Mapping[str, Network] = field(default_factory=dict)
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    owner: str | None = None
    mac_owner: str | None = None
    profile: Profile = UNKNOWN


def plan(request: PortRequest, observed: ObservedPorts) -> Plan[Port]:
    """Create, update or delete one port."""
    draft = Draft()
    current = observed.ports.get(request.name)
    if request.state == 'present':
        _require_groups(request, current, observed, draft)
        if current is None:
            _check_addresses(request, observed, draft)

    def new() -> Port:
        default = {'network': observed.profile.default_network}
        return Port(request.name, **{**default, **request.options})

    result = plan_one('port', request, current, TABLE, new, draft)
    return draft.finish(result)


def _require_groups(
    request: PortRequest,
    current: Port | None,
    observed: ObservedPorts,
    draft: Draft,
) -> None:
    """Require the groups that it gets; those that it has exist: what is in use is not lost."""
    existing = current.security_groups if current else ()
    default = () if current else (DEFAULT_GROUP,)
    for group in request.options.get('security_groups', default):
        if group not in existing:
            draft.require('security_group', group, observed.groups, 'security_groups')


def _check_addresses(request: PortRequest, observed: ObservedPorts, draft: Draft) -> None:
    from .checks import check_fixed_ip, check_not_in_use

    options = request.options
    name = options.get('network', observed.profile.default_network)
    fixed_ip = options.get('fixed_ip')
    if draft.require('network', name, observed.networks) and fixed_ip:
        network = observed.networks[name]
        if network.cidr != AFTER_APPLY:
            check_fixed_ip(network, fixed_ip, observed.owner, 'fixed_ip:', draft)
    if 'mac' in options:
        check_not_in_use(options['mac'], observed.mac_owner, 'mac:', draft)
