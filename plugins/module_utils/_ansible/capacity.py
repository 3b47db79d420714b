# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module capacity_info: what is left of a cloud, by the limits that plans are compared with."""

from __future__ import annotations

from itertools import chain
from typing import Any, Dict, Mapping

from .._cloud import Cloud
from .._model.capacity import RESOURCES, capacity
from .._model.needs import disk_of
from .info import run_query


def observe(cloud: Cloud, params: Dict[str, Any]) -> Mapping[str, object]:
    """Return what is used and free, and how many servers of each flavor still fit."""
    types = {disk_of(one.name) for one in cloud.volumes.types()}
    wanted = {*chain(*RESOURCES.values()), *types}
    return capacity(cloud.limits(wanted), cloud.flavors.list())


def main() -> None:
    """Run the module."""
    run_query('capacity', {}, observe, is_networked=False)
