# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which cloud: the only place that knows the backends."""

from __future__ import annotations

from typing import Any

from .._cloud import Cloud, Unsupported


def open_cloud(name: str, actor: str, timeout: int) -> Cloud:
    """Open a cloud by its name. Raises CloudError when it cannot be used."""
    if name == 'local':
        from .._local.cloud import LocalCloud

        return LocalCloud(actor, timeout)
    raise _unknown(name)


def open_recovery(name: str, actor: str, timeout: int) -> Any:
    """Open what is left of a cloud whose record is lost. Raises CloudError when it cannot be used."""
    if name == 'local':
        from .._local.recovery import LocalRecovery

        return LocalRecovery(actor, timeout)
    raise _unknown(name)


def _unknown(name: str) -> Unsupported:
    return Unsupported(
        f'cloud: {name!r} is not known; this version has only local, the host on which the module runs'
    )
