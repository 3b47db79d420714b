# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that what servers refer to exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Set, Tuple

from .._model.change import Draft
from .._model.server_request import ServerRequest
from .server_observations import ObservedServers

if TYPE_CHECKING:
    pass


def check_references(request: ServerRequest, observed: ObservedServers, draft: Draft) -> None:
    """Report what the request newly refers to and does not exist."""
    new = request.new_options(observed.servers)
    _check_named(request.options, new, observed, draft)
    if 'security_groups' in new:
        for group in request.requested_groups():
            draft.require('security_group', group, observed.groups, 'security_groups')
    if 'networks' in new:
        for nic in request.networks or ():
            if not nic.port:
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
