# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of what changes about a volume: imported when something does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from .._model.change import Draft
from .._model.effect import COMPLETES_INTERRUPTED_RUN
from .._model.kinds import Verb
from .._model.status import TaskState
from .._model.volume import DISK_MISSING, Volume
from .._model.volume_effects import TABLE
from .._model.volume_request import VolumeRequest
from .protection import check_protection

if TYPE_CHECKING:
    from .volume import ObservedVolumes

# The verbs that complete what a run left unfinished.
_COMPLETING_VERBS = {
    TaskState.CREATING: Verb.CREATE,
    TaskState.ATTACHING: Verb.ATTACH,
    TaskState.DETACHING: Verb.DETACH,
}


def check_status(draft: Draft) -> None:
    """Refuse what the status of the volume does not allow; what completes a run is none."""
    from .._model.lifecycle import is_allowed, refusal

    for change in draft.changes:
        before = change.before
        if not isinstance(before, Volume) or change.why == COMPLETES_INTERRUPTED_RUN:
            continue
        if not is_allowed('volume', before.status, change.verb):
            draft.refuse('state', refusal('volume', before.name, before.status, change.verb))


def refuse_lost(volume: Volume, draft: Draft) -> None:
    """Refuse a volume whose disk is lost."""
    draft.refuse(
        'state',
        f'volume {volume.name}: {DISK_MISSING}; delete the volume (state: absent) and re-create it',
    )


def delete(request: VolumeRequest, current: Volume, draft: Draft) -> None:
    """Delete a volume that is not in use."""
    check_protection('volume', current, request.options, draft)
    if current.servers:
        draft.refuse(
            'state',
            f'volume {current.name} is attached to {", ".join(current.servers)}; detach it first '
            '(state: detached)',
        )
    if current.snapshots:
        draft.refuse(
            'state',
            f'volume {current.name} has snapshots ({", ".join(current.snapshots)}); delete those '
            'first (volume_snapshot: state: absent)',
        )
    why = COMPLETES_INTERRUPTED_RUN if current.unfinished == TaskState.DELETING else ''
    draft.add('volume', Verb.DELETE, current, None, why=why)


def present(
    request: VolumeRequest,
    current: Volume | None,
    observed: ObservedVolumes,
    draft: Draft,
) -> Volume:
    """Create, complete or update the volume, apart from its attachment."""
    if current and current.unfinished == TaskState.DELETING:
        current = draft.add('volume', Verb.DELETE, current, None, why=COMPLETES_INTERRUPTED_RUN)
    if current is None:
        options = {'volume_type': observed.default_type, **request.options}
        if 'volume_type' in request.options:
            _check_type(request.options['volume_type'], observed, draft)
        options.update(_limits(options['volume_type'], observed))
        if 'file_system' in options:
            options['device'] = None
        new = _sized(Volume(request.name, **options), observed, draft)
        return draft.add('volume', Verb.CREATE, None, new)
    current = _complete_earlier_run(request, current, observed, draft)
    options = dict(request.options)
    if current.file_system:
        from .volume_files import check_growth

        check_growth(current, options, observed, draft)
    if options.get('volume_type', current.volume_type) != current.volume_type:
        _check_type(options['volume_type'], observed, draft)
        options.update(_limits(options['volume_type'], observed))
    return draft.update('volume', current, options, TABLE)


def _limits(volume_type: str, observed: ObservedVolumes) -> Dict[str, Any]:
    """Return the limits of a type as an option; the default type has none."""
    found = observed.types.get(volume_type)
    return {'limits': found.limits if found else {}}


def _sized(new: Volume, observed: ObservedVolumes, draft: Draft) -> Volume:
    """A new volume with its size; refuse what it cannot be a copy of."""
    if new.source:
        from .volume_source import with_source

        return with_source(new, observed, draft)
    if not new.size:
        draft.refuse(
            'size',
            f'volume {new.name} does not exist; to create it, also set size (GB)',
        )
    return new


def _complete_earlier_run(
    request: VolumeRequest, current: Volume, observed: ObservedVolumes, draft: Draft
) -> Volume:
    verb = _COMPLETING_VERBS.get(current.unfinished) if current.unfinished else None
    if verb is None:
        return current
    if verb == Verb.ATTACH and request.state == 'detached' and current.file_system:
        return current.completed()  # its container may not start with it
    if verb != Verb.CREATE:
        from .volume_attachment import check_server

        for name in current.leaving or current.servers:
            check_server(observed.servers.get(name), verb, draft)
    after = current.completed()
    if verb == Verb.CREATE:
        after = _sized(after, observed, draft)
        draft.add('volume', verb, None, after, why=COMPLETES_INTERRUPTED_RUN)
    else:
        draft.add('volume', verb, current, after, why=COMPLETES_INTERRUPTED_RUN)
    return after


def _check_type(name: str, observed: ObservedVolumes, draft: Draft) -> None:
    """Refuse a type that does not exist, or whose volumes cannot be used now."""
    if draft.require('volume_type', name, observed.types) and observed.types[name].fault:
        draft.refuse('volume_type', f'volume_type: {observed.types[name].fault}')
