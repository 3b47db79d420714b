# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that differ from a request in what only another root disk can change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict

from .._model.change import Draft
from .._model.checks import join_names
from .._model.effect import FIXED
from .._model.kinds import Verb
from .._model.server import Server
from .._model.server_effects import OF_ROOT_DISK, TABLE
from .._model.server_request import ServerRequest
from .._model.yaml_text import yaml_text
from .server_action_images import check_rebuild
from .server_observations import ObservedServers
from .server_power import check_allowed


def settle_drift(
    current: Server,
    options: Dict[str, Any],
    request: ServerRequest,
    observed: ObservedServers,
    draft: Draft,
) -> Server:
    """Ignore what is fixed and differs, which then is no option any more, or re-create the server.

    Return the server after that.
    """
    drift = {
        option: options[option] for option in OF_ROOT_DISK if _is_drift(current, options, option)
    }
    if not drift:
        return current
    what = '; '.join(_difference(option, current, value) for option, value in drift.items())
    if request.on_drift == 'recreate':
        if 'volume_size' in drift and not observed.profile.rebuild_resizes:
            draft.refuse(
                'volume_size',
                f'volume_size of server {current.name} is {current.volume_size}, requested '
                f'{drift["volume_size"]}: {observed.profile.place} keeps the size of a root disk '
                'that is re-created (on_drift); omit it, or delete and re-create the server',
                name=current.name,
            )
        return _recreated(current, {**options, **drift}, what, request, observed, draft)
    for option in drift:
        del options[option]
    draft.notes.append(f'server {current.name}: {what}; ignored (on_drift)')
    return current


def _is_drift(current: Server, options: Dict[str, Any], option: str) -> bool:
    before = getattr(current, option)
    if option not in options or options[option] == before:
        return False
    return TABLE[option](before, options[option], current).how == FIXED


def _difference(option: str, current: Server, requested: object) -> str:
    if option in ('user_data', 'root_password'):
        return f'{option} is another one'
    return f'{option} is {yaml_text(getattr(current, option))}, requested {yaml_text(requested)}'


def _recreated(
    current: Server,
    options: Dict[str, Any],
    why: str,
    request: ServerRequest,
    observed: ObservedServers,
    draft: Draft,
) -> Server:
    """Rebuild the server, whose identity, addresses and volumes stay, with other options."""
    changed = {option: options[option] for option in OF_ROOT_DISK if option in options}
    if not observed.profile.rebuild_resizes:
        changed.pop('volume_size', None)  # it grows by an update
    if changed.get('user_data'):
        changed['init_script'] = None
    elif changed.get('init_script'):
        changed['user_data'] = None
    image = observed.images.get(changed.get('image', current.image))
    is_application = image is not None and image.application is not None
    changed['is_application'] = is_application
    after = replace(current, **changed, outdated=(), snapshots=())
    check_allowed(current, Verb.REBUILD, draft, 'on_drift')
    check_rebuild(after, after.image, observed.images, draft)
    _check_kept(current, request, draft)
    if current.snapshots:
        why += f'; with its snapshots {join_names(current.snapshots)}'
    draft.notes.append(
        f'server {current.name} has new SSH host keys; remove the old ones: '
        f'ssh-keygen -R {current.ssh_name}'
    )
    return draft.add('server', Verb.REBUILD, current, after, why=why)


def _check_kept(current: Server, request: ServerRequest, draft: Draft) -> None:
    """Refuse to delete the data of a server that is protected, or has snapshots."""
    if request.options.get('delete_protection', current.delete_protection):
        draft.refuse(
            'on_drift',
            f'server {current.name} is protected, and on_drift: recreate deletes all data on its '
            'root disk; set delete_protection: false, also in this task, to allow it',
            name=current.name,
        )
    if current.snapshots and not request.delete_snapshots:
        draft.refuse(
            'delete_snapshots',
            f'server {current.name} has snapshots ({join_names(current.snapshots)}), which are '
            'lost when it is re-created (on_drift); set delete_snapshots: true to allow that',
            name=current.name,
        )
