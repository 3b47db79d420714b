# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the security groups of a server allow to wait for SSH."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, List, Mapping

from .._model.change import AFTER_APPLY, Draft
from .._model.profile import HOST
from .._model.reachability import is_allowed
from .._model.server import Server
from .._model.server_request import ServerRequest
from .server_observations import ObservedServers

if TYPE_CHECKING:
    from .._model.security_group import SecurityGroup


def check_ssh_allowed(
    server: Server, request: ServerRequest, observed: ObservedServers, draft: Draft
) -> None:
    """Refuse to wait for SSH where the groups do not allow it from where the module runs."""
    here = observed.profile.here
    if request.state in ('stopped', 'paused', 'shelved') or here is None:
        return
    network = observed.networks.get(server.networks[0].name)
    groups = _ssh_groups(server, observed)
    if network is None or groups is None or network.cidr == AFTER_APPLY:
        return
    if not is_allowed(groups, network, here, 'tcp', 22):
        joined = ', '.join(group.name for group in groups)
        place = observed.profile.place if here == HOST else here
        draft.refuse(
            'wait_for',
            f'wait_for: ssh would time out, because no rule of {joined} allows tcp 22 from '
            f'{place}; add a rule (preset: ssh), or wait for init',
        )


def check_ssh_with_options(
    options: Mapping[str, Any],
    request: ServerRequest,
    current: Server,
    observed: ObservedServers,
    draft: Draft,
) -> None:
    """The same for a server that exists, as it will be with options."""
    connection = ('security_groups', 'networks')
    changed = {option: options[option] for option in connection if option in options}
    check_ssh_allowed(replace(current, **changed), request, observed, draft)


def _ssh_groups(server: Server, observed: ObservedServers) -> List[SecurityGroup] | None:
    """The groups of the first connection of a server; None if one of them does not exist."""
    first = server.networks[0]
    names = server.security_groups if first.security_groups is None else first.security_groups
    groups = [observed.groups[name] for name in names if name in observed.groups]
    return groups if len(groups) == len(names) else None
