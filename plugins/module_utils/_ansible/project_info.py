# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module project_info: the projects in which the user may look."""

from __future__ import annotations

from typing import Any, Dict

from .._cloud import Cloud
from .info import ARGUMENTS, run_query, selection
from .operations import projects_of

_OPTIONS = {option: ARGUMENTS[option] for option in ('name', 'labels', 'query')}


def _listed(cloud: Cloud, params: Dict[str, Any]) -> object:
    select = selection(params)
    name = params['name']
    found = projects_of(cloud).list(None if name is None else [name])
    return select([project.public() for project in found])


def main() -> None:
    """Run the module."""
    run_query('projects', _OPTIONS, _listed, is_networked=False, kind='project')
