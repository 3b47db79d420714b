# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of volumes: where the operator lets disks be."""

from __future__ import annotations

from typing import Mapping, NamedTuple


class VolumeType(NamedTuple):
    """A type of volumes.

    ``fault``: why its volumes cannot be used now; empty: they can. ``limits``: of each volume.
    """

    name: str
    fault: str = ''
    limits: Mapping[str, int] = {}
