# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flavors as rows of the record."""

from __future__ import annotations

import json
from typing import Dict

from ..._model.change import Change
from ..._model.flavor import Flavor
from ..record.record import description_columns

# The condition for a server s of another project that has the flavor f of the project o.
USED_BY_OTHERS = """f.project = o.project AND s.flavor = f.name AND s.project <> o.project
  AND (f.visibility = 'public' OR f.visibility = 'shared'
    AND s.project IN (SELECT value FROM json_each(f.shared_with)))
  AND NOT EXISTS (SELECT 1 FROM main.flavor x WHERE x.project = s.project AND x.name = f.name)"""
_COLUMNS = ('family', 'vcpus', 'memory', 'disk', 'max_vcpus', 'max_memory')


def has_other_limits(change: Change) -> bool:
    """Whether the machines of its servers are limited in another way, or may be half of it."""
    before = change.old(Flavor)
    return before.unfinished is not None or before.limits != change.new(Flavor).limits


def columns_of(flavor: Flavor) -> Dict[str, object]:
    """The columns of a flavor that can change."""
    return {
        **{column: getattr(flavor, column) for column in _COLUMNS},
        'limits': json.dumps(dict(sorted(flavor.limits.items()))),
        'visibility': flavor.visibility,
        'shared_with': json.dumps(list(flavor.shared_with)),
        **description_columns(flavor),
    }
