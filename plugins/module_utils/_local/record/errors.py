# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of libvirt, of this host and of the record, as errors of a cloud.

Inside the local cloud they are raised as they are, because some are handled there. They are
translated where they would leave it: in the outcome of a change, and in the methods of the
contract.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..._cloud.errors import CloudError

if TYPE_CHECKING:
    from .record import Record

Items = TypeVar('Items')


def is_libvirt_error(error: BaseException) -> bool:
    """Whether an error is libvirt's, without importing libvirt."""
    return type(error).__name__ == 'libvirtError'


def translated(error: BaseException) -> CloudError | None:
    """Return an error as one of a cloud; None for one that nobody expects."""
    if isinstance(error, CloudError):
        return error
    if isinstance(error, PermissionError) and os.geteuid() != 0:
        from .looking import for_root

        return for_root(str(error.filename or error))
    if isinstance(error, OSError):
        return CloudError(f'this host: {error}')
    if is_libvirt_error(error):
        return CloudError(f'libvirt: {error}')
    return None


@contextmanager
def translating() -> Iterator[None]:
    """Raise errors as those of a cloud."""
    try:
        yield
    except CloudError:
        raise
    except Exception as error:
        known = translated(error)
        if known is None:
            raise
        raise known from error


def at_boundary(items: Items) -> Items:
    """Return items of the local cloud as others see them: their errors are those of a cloud."""
    return cast(Items, _Boundary(items))


class _Boundary:
    """Items whose methods raise errors of a cloud."""

    def __init__(self, items: object) -> None:
        self._items = items

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._items, name)
        return translating()(value) if callable(value) else value


def explain(record: Record, error: BaseException | None) -> None:
    """Raise what explains an unexpected error: one of this host, or damage of the record."""
    if not isinstance(error, Exception) or isinstance(error, CloudError):
        return
    known = translated(error)
    if known is None:
        from .damage import damage

        text = damage(record)
        known = CloudError(text) if text else None
    if known is not None:
        raise known from error
