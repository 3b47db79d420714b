# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts of an inventory that other sources have brought: which of them to ask, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Dict, List

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources


def names_of(inventory: Any, wanted: Sequence[str]) -> List[str]:
    """Return the names of hosts for names of hosts and groups, in their order."""
    found: Dict[str, None] = {}
    for name in wanted:
        if name in inventory.groups:
            found.update(dict.fromkeys(host.name for host in inventory.groups[name].get_hosts()))
        elif name in inventory.hosts:
            found[name] = None
        else:
            raise AnsibleParserError(
                f'hypervisors: {name!r} is no host or group of the inventory; give the source that '
                'has it before this one'
            )
    return list(found)


def variables_of(
    inventory: Any, loader: Any, name: str, path: str, extra: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return the variables of a host, also those of group_vars and host_vars.

    ``path``: of this source, which can have such folders beside it. ``extra``: of the command line.
    """
    host = inventory.hosts[name]
    groups = host.get_groups()
    sources = [*inventory.processed_sources, path]
    found: Dict[str, Any] = {}
    for variables in (
        get_group_vars(groups),
        get_vars_from_inventory_sources(loader, sources, groups, 'all'),
        host.get_vars(),
        get_vars_from_inventory_sources(loader, sources, [host], 'all'),
        extra,
    ):
        found = combine_vars(found, variables)
    return found


def taken_names(inventory: Any, id_variable: str) -> Dict[str, str]:
    """Return the names that hosts and groups have, with the ids of those that are servers.

    The names of the controller are taken: plays for it would go to a server of that name.
    """
    found = {str(name): str(host.vars.get(id_variable)) for name, host in inventory.hosts.items()}
    return {**found, **dict.fromkeys([*map(str, inventory.groups), *constants.LOCALHOST], '')}
