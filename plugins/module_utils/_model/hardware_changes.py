# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How hardware changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .hardware import Hardware


def changes(before: Hardware, after: Hardware, most_vcpus: int) -> str:
    """What differs, in words."""
    old, new = before.shown(most_vcpus), after.shown(most_vcpus)
    texts = [
        f'{option} from {old[option]} to {new[option]}'
        for option in old
        if old[option] != new[option]
    ]
    return f'hardware changes ({", ".join(texts)})'


def are_other_discs(before: Hardware, after: Hardware) -> bool:
    """Whether only the discs differ, and there is a drive for each."""
    drives = len(before.cdroms or ())
    is_rest_same = replace(before, cdroms=after.cdroms) == after
    return bool(drives) and drives == len(after.cdroms or ()) and is_rest_same
