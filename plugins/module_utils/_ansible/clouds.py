# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens clouds: the only file that imports a backend."""

from __future__ import annotations

from typing import TypeVar

from .._cloud import Cloud, Unsupported
from .._model.secret import NO_SECRETS, Secrets

Feature = TypeVar('Feature')


def open_cloud(
    name: str,
    project: str,
    actor: str,
    timeout: int,
    secrets: Secrets = NO_SECRETS,
) -> Cloud:
    """Open a cloud for a project. Raises CloudError if it cannot be used."""
    if name == 'local':
        from .._local.cloud import LocalCloud

        return LocalCloud(project, actor, timeout, secrets)
    from .._openstack.cloud import OpenStackCloud

    return OpenStackCloud(name, project, actor, timeout, secrets)


def open_recovery(
    name: str,
    project: str,
    actor: str,
    timeout: int,
    secrets: Secrets = NO_SECRETS,
) -> Cloud:
    """Open a cloud whose record may be lost. Raises CloudError if it cannot be used."""
    if name == 'local':
        from .._local.recovery import LocalRecovery

        return LocalRecovery(project, actor, timeout)
    return open_cloud(name, project, actor, timeout, secrets)


def supported(cloud: Cloud, feature: Feature | None, option: str) -> Feature:
    """Return a feature that a cloud may lack. Raises Unsupported if it does."""
    if feature is None:
        raise Unsupported(f'{option}: the cloud {cloud.name} does not support it', option)
    return feature
