# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module server_info: servers as they are, also for the inventory plugin."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Sequence

from .._cloud import Cloud
from .info import ARGUMENTS, in_project, projects_of, run_reading, selection

_PERIOD = {option: {'type': 'str'} for option in ('from', 'to')}
_OPTIONS: Dict[str, Any] = {
    **ARGUMENTS,
    'init': {'type': 'bool', 'default': False},
    'usage': {'type': 'dict', 'options': _PERIOD},
}


def main() -> None:
    """Run the module."""
    run_reading(_OPTIONS, _information, is_networked=True, kind='server')


def main_listing() -> None:
    """Print the same for the inventory plugin, with all servers in one text of JSON.

    In every single value of a result Ansible looks for secrets and tags, which takes as long as the
    rest; servers have none.
    """
    run_reading(_OPTIONS, _listing, is_networked=True, kind='server')


def _listing(cloud: Cloud, params: Dict[str, Any]) -> Mapping[str, object]:
    return {'servers': json.dumps(_information(cloud, params)['servers'])}


def _information(cloud: Cloud, params: Dict[str, Any]) -> Mapping[str, object]:
    """Return the servers and, if that is requested, for how long they were billable."""
    select = selection(params)
    servers: List[Dict[str, Any]] = []
    used: List[Dict[str, Any]] = []
    for project, one in projects_of(cloud, params):
        found = _observe(one, params)
        servers += in_project(project, found)
        if params['usage'] is not None:
            from .usage import usage

            used += in_project(project, usage(one, params['name'], params['usage'], found))
    result = {'servers': select(servers)}
    return result if params['usage'] is None else {**result, 'usage': used}


def _observe(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    name = params['name']
    names = None if name is None else [name]
    found = [server.public() for server in cloud.servers.list(names, name)]
    if params['init']:
        boots = cloud.servers.first_boots([server['name'] for server in found])
        for server in found:
            boot = boots.get(server['name'])
            server['init'] = boot.public() if boot else None
    return found
