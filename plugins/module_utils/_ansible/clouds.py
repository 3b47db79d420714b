# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens clouds: the only file that imports a backend."""

from __future__ import annotations

from typing import Any

from .._cloud import Cloud, Unsupported
from .._model.secret import NO_SECRETS, Secrets


def open_cloud(name: str, actor: str, timeout: int, secrets: Secrets = NO_SECRETS) -> Cloud:
    """Open a cloud by its name. Raises CloudError if it cannot be used."""
    if name == 'local':
        from .._local.cloud import LocalCloud

        return LocalCloud(actor, timeout, secrets)
    raise _unknown(name)


def open_recovery(name: str, actor: str, timeout: int, _secrets: Secrets = NO_SECRETS) -> Any:
    """Open a cloud whose record may be lost. Raises CloudError if it cannot be used."""
    if name == 'local':
        from .._local.recovery import LocalRecovery

        return LocalRecovery(actor, timeout)
    raise _unknown(name)


def _unknown(name: str) -> Unsupported:
    return Unsupported(
        f'cloud: {name!r} is unknown; '
        'this version supports only local, the host on which the module runs'
    )
