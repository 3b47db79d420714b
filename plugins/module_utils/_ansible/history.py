# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module history_info: what was changed, the latest first."""

from __future__ import annotations

from typing import Any, Dict, List

from .._cloud import Cloud, RefusedTask
from .._model.history import HistoryRequest
from .._model.kinds import KINDS
from .clouds import supported
from .info import run_query

ARGUMENTS: Dict[str, Any] = {
    'name': {'type': 'str'},
    'kind': {'type': 'str', 'choices': list(KINDS)},
    'changed_by': {'type': 'str'},
    'since': {'type': 'str'},
    'until': {'type': 'str'},
    'unfinished': {'type': 'bool', 'default': False},
    'limit': {'type': 'int', 'default': 100},
}


def history(cloud: Cloud, params: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Return the changes that the options select."""
    options = {option: params[option] for option in ARGUMENTS}
    wanted = HistoryRequest(**options)
    problems = wanted.problems()
    if problems:
        raise RefusedTask(problems)
    kept = supported(cloud, cloud.history, 'cloud')
    project = {'project': params['project']}
    return [{**entry.public(), **project} for entry in kept.list(wanted)]


def main() -> None:
    """Run the module."""
    run_query('history', ARGUMENTS, history, is_networked=False)
