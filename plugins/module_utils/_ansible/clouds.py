# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which cloud: the only place that knows the backends."""

from __future__ import annotations

from .._cloud import Cloud, Unsupported


def open_cloud(name: str, actor: str, timeout: int) -> Cloud:
    """Open a cloud by its name. Raises CloudError when it cannot be used."""
    if name == 'local':
        from .._local.cloud import LocalCloud

        return LocalCloud(actor, timeout)
    raise Unsupported(f'cloud: {name!r} is not known; this version has only local, the host on which the module runs')
