# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module init_script: parameters to requests, and observations."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.init_script import InitScript, InitScriptRequest
from .._plan.init_script import plan
from .options import METADATA, NAME, STATE, by_name, metadata_options, specified_options
from .resource import Resource
from .run import run

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'content': {'type': 'str'},
    **METADATA,
}


def request(params: Dict[str, Any]) -> InitScriptRequest:
    """Return the request of the task."""
    options = {
        **specified_options(params, 'content'),
        **metadata_options(params),
    }
    return InitScriptRequest(params['name'], params['state'], options)


def observe(cloud: Cloud, requested: InitScriptRequest) -> Tuple[Mapping[str, InitScript], Names]:
    """Return the init script."""
    name = requested.name
    scripts = by_name('init_script', cloud.init_scripts.list([name]))
    return scripts, {('init_script', name)}


def reload(cloud: Cloud, planned: Sequence[InitScript]) -> Sequence[InitScript]:
    """Return the init script after the changes."""
    return cloud.init_scripts.list([script.name for script in planned])


RESOURCE = Resource('init_script', ARGUMENTS, request, observe, plan, reload, logged=False)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
