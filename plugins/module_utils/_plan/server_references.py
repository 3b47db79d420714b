# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that what servers refer to exists, and that floating IPs are free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Set, Tuple

from .._model.change import AFTER_APPLY, Change, Draft
from .._model.server import Server
from .._model.server_request import ServerRequest
from .server_observations import ObservedServers


def check_references(request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    """Report what the request newly refers to and does not exist."""
    new = request.new_options(observed.servers)
    _check_named(request.options, new, observed, draft)
    if observed.weakness:
        draft.refuse('root_password', f'root_password: {observed.weakness}; use another one')
    if 'hardware' in new and request.options['hardware'].cdroms:
        from .server_hardware import check_cdroms

        check_cdroms(request.options['hardware'].cdroms, observed, draft)
    if 'security_groups' in new:
        for group in request.requested_groups():
            draft.require('security_group', group, observed.groups, 'security_groups')
    if 'networks' in new:
        _check_networks(request, observed, draft)


def _check_networks(request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    for nic in request.networks or ():
        if not (nic.port or nic.bridge):
            draft.require('network', nic.name, observed.networks, 'networks')


def _check_named(
    options: Mapping[str, Any], new: Set[str], observed: ObservedServers, draft: Draft
) -> None:
    kinds: Tuple[Tuple[str, Mapping[str, Any]], ...] = (
        ('flavor', observed.flavors),
        ('image', observed.images),
        ('init_script', observed.init_scripts),
    )
    for kind, existing in kinds:
        if kind in new and options[kind] is not None:
            draft.require(kind, options[kind], existing)
    if 'key_names' in new:
        for key in options['key_names']:
            draft.require('keypair', key, observed.keypairs, 'key_names')


def check_floating_ips(request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    """Refuse more floating addresses than are free, and one that is not available."""
    servers = {change.name for change in draft.changes if _allocates_address(change)}
    if servers:
        from .checks import check_free_floating_ips

        check_free_floating_ips(len(servers), observed.free, observed.profile, draft)
    requested = observed.floating
    if requested is None or request.state == 'absent':
        return
    if requested.in_pool is False:
        draft.refuse(
            'floating_ip',
            f'floating_ip: {requested.address} is in no pool of this cloud',
        )
    elif requested.taken and requested.server not in (None, *request.members()):
        draft.refuse(
            'floating_ip',
            f'floating_ip: {requested.address} is attached to {requested.server}; detach it first '
            '(floating_ip: state: detached)',
        )


def _allocates_address(change: Change) -> bool:
    if change.kind != 'server' or change.after is None:
        return False  # the root volume of a server changes too
    if change.new(Server).floating_ip != AFTER_APPLY:
        return False
    return change.before is None or change.old(Server).floating_ip != AFTER_APPLY
