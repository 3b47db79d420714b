# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module backup_info: what there is."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from .._cloud import Cloud
from .info import run_info
from .operations import backups_of


def main() -> None:
    """Run the module backup_info."""
    run_info('backup', _observe, {'server': {'type': 'str'}})


def _observe(cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    name, server = params['name'], params['server']
    found = backups_of(cloud).list(None if name is None else [name])
    return [one.public() for one in found if server in (None, one.server)]
