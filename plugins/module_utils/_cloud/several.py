# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of several items at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import CloudError, Missing, Refused


class Several(CloudError):
    """Errors of several items, each with its own kind and name."""

    def __init__(self, errors: Sequence[CloudError]) -> None:
        """``errors``: at least one."""
        super().__init__('; '.join(map(str, errors)))
        self.errors = tuple(errors)


def deleted_meanwhile(kind: str, names: Iterable[str], awaited: str) -> Several:
    """Return the error about items that were deleted while a task waited for something."""
    text = f'no longer exists: it was deleted while this task waited for {awaited}'
    return Several([Missing(f'{kind} {name} {text}', '', kind, name) for name in sorted(names)])


def ambiguous(
    title: str,
    kind: str,
    name: str,
    ids: Iterable[str],
) -> Refused:
    """Return the error about a name that several items have: it does not say which is meant."""
    found = sorted(ids)
    return Refused(
        f'{title} {name} exists {len(found)} times ({", ".join(found)}); rename or delete all '
        'but one',
        kind=kind,
        name=name,
    )
