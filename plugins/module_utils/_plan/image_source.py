# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What images are created from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Tuple

from .._model.change import Draft
from .._model.image import DISK_FORMATS, Image, ImageRequest
from .._model.server_type import CONTAINER, OCI, ROOT_TAR
from .._model.status import TaskState

if TYPE_CHECKING:
    from .._model.server import Server
    from .._model.volume import Volume
    from .image import ObservedImages
    from .volume import ObservedVolumes


def of_new_source(request: ImageRequest, current: Image | None) -> ImageRequest:
    """The request; one that completes an image from a source keeps nothing of the one before."""
    if not current or current.unfinished != TaskState.CREATING or 'source' not in request.options:
        return request
    defaults = {'checksum': None, 'disk_format': DISK_FORMATS[0]}
    return replace(request, options={**defaults, **request.options})


def check_source(
    source: str,
    name: str,
    observed: ObservedImages,
    draft: Draft,
) -> None:
    """Refuse a source that is not specified, does not exist, or cannot be used."""
    kind, _colon, where = source.partition(':')
    if not kind:
        draft.refuse(
            'path',
            f'image {name} does not exist; to create it, also set path, url (with checksum), '
            'server, volume, snapshot or backup',
        )
    elif kind == 'server':
        if draft.require('server', where, observed.servers):
            _check_server(observed.servers[where], draft)
    elif observed.volumes:
        _check_volume(kind, where, observed.volumes, draft, observed.of_attached)
    elif kind == 'backup':
        if draft.require('backup', where, observed.backups):
            from .backup_source import check_backup

            check_backup(observed.backups[where], draft)
            if observed.shortage:
                draft.refuse('backup', f'backup: {where}: {observed.shortage}')
    elif observed.source_problem:
        draft.miss(kind, f'{kind}: {observed.source_problem}')


def in_format_of_source(
    request: ImageRequest,
    source: str,
    observed: ObservedImages,
    draft: Draft,
) -> ImageRequest:
    """The request with the format of an image that is created from what is in the cloud."""
    kind, _colon, name = source.partition(':')
    what = f'{kind} {name}'
    backup, server = observed.backups.get(name), observed.servers.get(name)
    if observed.volumes:
        return _in_format(request, DISK_FORMATS[0], f'{what} is a disk', draft)
    if backup:
        machine, found = _machine(backup.config.get('type'), backup.is_application)
        return _in_format(request, found, f'{what} is of {machine}', draft)
    if server:
        machine, found = _machine(server.type, server.is_application)
        return _in_format(request, found, f'{what} is {machine}', draft)
    return request


def _machine(kind: str | None, is_application: bool) -> Tuple[str, str]:
    """What a type of servers is called, and the format of the images of such servers."""
    if kind == CONTAINER:
        return 'a container', OCI if is_application else ROOT_TAR
    return 'a virtual machine', DISK_FORMATS[0]


def _in_format(request: ImageRequest, found: str, what: str, draft: Draft) -> ImageRequest:
    if request.options.get('disk_format', found) != found:
        draft.refuse('disk_format', f'disk_format: {what}, whose images are {found}; omit it')
    return replace(request, options={**request.options, 'disk_format': found})


def _check_volume(
    kind: str, name: str, observed: ObservedVolumes, draft: Draft, of_attached: bool
) -> None:
    from .volume_source import of_snapshot, of_volume

    if kind == 'snapshot':
        of_snapshot(name, observed, draft)
        return
    of_volume(name, observed, draft, kind)
    volume: Volume | None = draft.settled('volume', observed.volumes.get(name))
    if volume and volume.server and not of_attached:
        draft.refuse(
            kind,
            f'volume: {name} is attached to {volume.server}, and an image requires one that is '
            'not; detach it first (volume: state: detached)',
        )


def _check_server(server: Server, draft: Draft) -> None:
    from .server_state import is_unfinished

    if is_unfinished(server, draft):
        return
    if server.type == CONTAINER and server.power != 'stopped':
        draft.refuse(
            'server',
            f'server: {server.name} is a container that runs, and an image requires one that is '
            'off; stop it first (state: stopped), or use a backup of it',
        )
