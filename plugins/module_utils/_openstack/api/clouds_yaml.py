# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens an entry of clouds.yaml with openstacksdk, which knows its form and where it lies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict

from ..._cloud import CloudError, Unsupported

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion


def open_region(cloud: str, project: str) -> CloudRegion:
    """Return an entry of clouds.yaml, for its own project (``default``) or another one.

    Raises CloudError if there is no such entry, or no library.
    """
    try:
        from openstack.config import OpenStackConfig
        from openstack.exceptions import ConfigException
    except ImportError as error:
        raise Unsupported(
            f'cloud: {cloud!r} is not local, and another cloud requires openstacksdk, which '
            f'{sys.executable} does not have ({error}); install it there (pip install '
            'openstacksdk), or set ansible_python_interpreter to an interpreter that has it',
            'cloud',
        ) from error
    try:
        config = OpenStackConfig()
        region = config.get_one(cloud=cloud)
        return region if project == 'default' else _for_project(config, region, cloud, project)
    except ConfigException as error:
        if cloud in config.get_cloud_names():
            raise _incomplete(cloud, error) from error
        names = ', '.join(['local', *sorted(config.get_cloud_names())])
        where = config.config_filename or 'no such file was found'
        raise Unsupported(
            f'cloud: {cloud!r} is unknown; it is no entry of clouds.yaml ({where}); '
            f'available: {names}',
            'cloud',
        ) from error


def signed_in(region: CloudRegion, cloud: str, project: str) -> Session:
    """Return a session that has a token. Raises CloudError if it cannot get one."""
    from keystoneauth1.exceptions import ClientException, MissingRequiredOptions, Unauthorized

    where = region.config.get('auth', {}).get('auth_url', 'without an auth_url')
    try:
        session = region.get_session()
        session.get_token()
    except Unauthorized as error:
        raise _not_accepted(cloud, project, error) from error
    except MissingRequiredOptions as error:
        raise _incomplete(cloud, error) from error
    except ClientException as error:
        text = f'cloud: {cloud} cannot be used: no sign-in at {where}: {error}'
        raise CloudError(text, 'cloud') from error
    except Exception as error:
        if error.__class__ is Exception:  # of openstacksdk, for a password that is not there
            raise _incomplete(cloud, error) from error
        raise
    return session


def _not_accepted(cloud: str, project: str, error: Exception) -> Unsupported:
    if project == 'default':
        text = f'cloud: {cloud} does not accept the credentials in clouds.yaml: {error}'
        return Unsupported(text, 'cloud')
    return Unsupported(
        f'project: the project {project} does not exist in the cloud {cloud}, or its user has no '
        f'role in it: {error}',
        'project',
    )


def _incomplete(cloud: str, error: Exception) -> CloudError:
    return CloudError(f'cloud: {cloud} in clouds.yaml is incomplete: {error}', 'cloud')


def belongs_to_project(auth_type: str) -> bool:
    """Whether who signs in like this can use no other project."""
    return 'application_credential' in auth_type


def _for_project(
    config: Any,
    region: CloudRegion,
    cloud: str,
    project: str,
) -> CloudRegion:
    """Return the entry for another project of the same user."""
    if belongs_to_project(str(region.config.get('auth_type', ''))):
        raise Unsupported(
            f'project: the cloud {cloud} is used with an application credential, which belongs to '
            f'one project; add an entry for the project {project} to clouds.yaml',
            'project',
        )
    auth: Dict[str, Any] = dict(region.get_auth_args())
    for key in ('project_id', 'tenant_id'):
        auth.pop(key, None)
    auth['project_name'] = project
    found: CloudRegion = config.get_one(cloud=cloud, auth=auth)
    return found
