# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What images are created from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._model.change import Draft
from .._model.image import DISK_FORMATS, ImageRequest
from .._model.server_type import CONTAINER, OCI, ROOT_TAR
from .._model.status import TaskState

if TYPE_CHECKING:
    from .._model.backup import Backup
    from .._model.server import Server
    from .image import ObservedImages


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
            'server or backup',
        )
    elif kind == 'server':
        if draft.require('server', where, observed.servers):
            _check_server(observed.servers[where], observed, draft)
    elif kind == 'backup':
        if draft.require('backup', where, observed.backups):
            check_backup(observed.backups[where], draft)
    elif observed.source_problem:
        draft.miss(kind, f'{kind}: {observed.source_problem}')


def in_format_of_source(
    request: ImageRequest,
    source: str,
    observed: ObservedImages,
    draft: Draft,
) -> ImageRequest:
    """The request with the format of an image that is created from a server or a backup."""
    kind, _colon, name = source.partition(':')
    backup, server = observed.backups.get(name), observed.servers.get(name)
    if backup:
        is_container = backup.config.get('type') == CONTAINER
        return _in_format(
            request, is_container, backup.is_application, f'{kind} {name} is of', draft
        )
    if server:
        is_container = server.type == CONTAINER
        what = f'{kind} {server.name} is'
        return _in_format(request, is_container, server.is_application, what, draft)
    return request


def _in_format(
    request: ImageRequest, is_container: bool, is_application: bool, what: str, draft: Draft
) -> ImageRequest:
    """The request with the format of images of a container or of a virtual machine."""
    root = OCI if is_application else ROOT_TAR
    found = root if is_container else DISK_FORMATS[0]
    if request.options.get('disk_format', found) != found:
        kind = 'container' if is_container else 'virtual machine'
        draft.refuse(
            'disk_format', f'disk_format: {what} a {kind}, whose images are {found}; omit it'
        )
    return replace(request, options={**request.options, 'disk_format': found})


def check_backup(found: Backup, draft: Draft) -> None:
    """Refuse a backup of which nothing can be copied now."""
    backup: Backup | None = draft.settled('backup', found)
    if backup is None:
        draft.miss('backup', f'backup {found.name} is being deleted by another run')
    elif backup.unfinished in (TaskState.CREATING, TaskState.DELETING):
        draft.refuse(
            'backup',
            f'backup {backup.name} is unfinished ({backup.unfinished}); run its task again first',
        )
    elif backup.fault:
        draft.refuse('backup', f'backup: {backup.name}: {backup.fault}')


def _check_server(server: Server, observed: ObservedImages, draft: Draft) -> None:
    if not observed.of_running and server.power != 'stopped':
        draft.refuse(
            'server',
            f'server: {server.name} is running, and an image requires a stopped server; stop it '
            'first (state: stopped)',
        )
