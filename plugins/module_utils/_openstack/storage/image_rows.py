# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of Glance as those of this collection, and the reverse."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Dict, List, Tuple

from ..._cloud.images.source_files import imported
from ..._model.change import AFTER_APPLY
from ..._model.checks import GIB
from ..._model.image import DIGITS, Image, min_disk_gb
from ..._model.status import TaskState
from ..api.api import Raw, Raws
from ..api.lists import users_by
from ..api.marks import Marks, OwnMarks, from_metadata
from ..api.names import age, is_own, with_name
from ..api.properties import from_properties, to_only_properties, to_properties
from ..api.tasks import Tasks

MAPPING = 'block_device_mapping'  # property of an image that is snapshots of volumes
_DELETED = ('deleted', 'pending_delete')
# The name of an image of a volume until it is complete: Cinder, which creates it, takes no
# properties. With it are the time of the run that began it, and the name that it gets.
BEGUN = 'hanok:{until}:{name}'
_BEGUN = re.compile(r'hanok:(\d+):(.+)')


def existing(images: Raws) -> List[Raw]:
    """Return the images that are not deleted; one without a name is named by its id."""
    return [_with_name(raw) for raw in images if raw['status'] not in _DELETED]


def _with_name(raw: Raw) -> Raw:
    if not raw['name']:
        return {**raw, 'name': raw['id']}
    begun = _BEGUN.fullmatch(raw['name'])
    if begun is None:
        return raw
    until, name = begun.groups()
    own = {'created_by': '', 'source': 'volume:', 'until': until, 'unfinished': 'creating'}
    # what Cinder copied from the image of the volume does not count
    return {**raw, 'name': name, 'description': '', **to_only_properties(name, own)}


def is_ours(raw: Raw) -> bool:
    """Return whether this collection has created an image."""
    return 'created_by' in from_properties(raw).own


def ours(images: Raws, name: str, project_id: str) -> List[Raw]:
    """Return the images of a name that this collection has created, the oldest first."""
    named = with_name(existing(images), name)
    own = [raw for raw in named if is_own(raw, project_id)]
    return sorted(filter(is_ours, own), key=age)


def users_of(servers: Raws) -> Mapping[str, Tuple[str, ...]]:
    """Return the names of servers by the id of their image.

    By its name, if the root volume of the server was created from it: Nova tells no image then.
    """
    return users_by(servers, _image_of_server)


def _image_of_server(server: Raw) -> str:
    image = server['image']
    if image:
        return str(image['id'])
    marks = from_metadata(server['metadata'])
    return marks.own.get('image', '')


def image_of(raw: Raw, users: Mapping[str, Tuple[str, ...]]) -> Image:
    """Return the image of this collection."""
    name = raw['name']
    identity = raw['id']
    marks = from_properties(raw)
    tasks = _tasks(raw, marks)
    size = _size(raw, marks)
    using_root = users.get(name, ())
    used_by = {*using_root, *users.get(identity, ())}
    return Image(
        name,
        marks.own.get('source', ''),
        marks.own.get('checksum'),
        raw.get('description') or '',
        marks.labels,
        size or AFTER_APPLY,
        _min_disk(raw, size),
        tuple(sorted(used_by)),
        identity,
        tasks.task_state,
        tasks.unfinished,
        marks.created_by,
        raw['created_at'],
        disk_missing=raw['status'] == 'killed' and not tasks.unfinished,
        digests=_digests(marks),
        rescue_problem=_rescue_problem(raw),
        disk_format='iso' if raw.get('disk_format') == 'iso' else 'qcow2',
        os_admin_user=raw.get('os_admin_user'),
        visibility=raw.get('visibility', 'private'),
        delete_protection=bool(raw.get('protected')),
    )


def _rescue_problem(raw: Raw) -> str:
    """Why Nova rescues no server with a root volume by an image (its "stable device rescue")."""
    if raw.get('hw_rescue_bus') and raw.get('hw_rescue_device'):
        return ''
    return 'it has no properties hw_rescue_bus and hw_rescue_device; set them, or use another image'


def _min_disk(raw: Raw, size: int) -> int | str:
    if not size:
        return AFTER_APPLY
    return max(int(raw['min_disk']), min_disk_gb(size))


def _digests(marks: Marks) -> Mapping[str, str]:
    """The digests of the file that was uploaded, by algorithm."""
    found = imported(marks.own.get('imported'))
    return {kind: digest for kind, digest in found.items() if kind in DIGITS}


def _size(raw: Raw, marks: Marks) -> int:
    """The virtual size; 0 if it is not known yet.

    Glance does not know it of every image; that of a server with a root volume has no data.
    """
    if raw['status'] != 'active':
        return 0
    size = raw.get('virtual_size') or int(marks.own.get('size', 0)) or raw['size']
    if size:
        return int(size)
    sizes = [1, int(raw['min_disk'])]
    for root in devices_of(raw)[:1]:
        sizes.append(int(root.get('volume_size') or 0))
    return max(sizes) * GIB


def devices_of(raw: Raw) -> List[Raw]:
    """Return the devices of an image that is snapshots of volumes; that of the root is first."""
    devices: List[Raw] = json.loads(raw.get(MAPPING) or '[]')
    return sorted(devices, key=lambda device: device.get('boot_index') != 0)


def _tasks(raw: Raw, marks: Marks) -> Tasks:
    """What the cloud is doing with an image, and what no run is doing."""
    is_ready = raw['status'] in ('active', 'deactivated')
    if is_ready and 'unfinished' in marks.own:
        return Tasks(unfinished=TaskState.CREATING)
    if is_ready:
        return Tasks()
    if marks.own and is_abandoned(raw):
        return Tasks(unfinished=TaskState.CREATING)
    if not marks.own and raw['status'] == 'killed':
        return Tasks()
    return Tasks(TaskState.CREATING)


def is_abandoned(raw: Raw) -> bool:
    """Return whether no run works on an image of ours that is not active.

    An upload that was interrupted is queued again; it is saving for ever if Glance itself was
    stopped, which is clear when the time of its run is over. Nova and Cinder create others.
    """
    status = raw['status']
    if status == 'killed':
        return True
    if status == 'queued' and not is_of_cloud(raw):
        return True
    until = from_properties(raw).own.get('until', 0)
    return time.time() > float(until)


def is_of_cloud(raw: Raw) -> bool:
    """Return whether an image of ours is created by Nova, of a server, or by Cinder."""
    source = from_properties(raw).own.get('source', '')
    return source.startswith(('server:', 'volume:'))


def properties_of(image: Image, own: OwnMarks) -> Dict[str, str]:
    """Return the properties for an image. ``own``: those that are not in the image."""
    values = {
        **own,
        'source': image.source or None,
        'checksum': image.checksum,
    }
    found = to_properties(image.name, image.labels, values)
    if image.description:
        found['description'] = image.description
    if image.os_admin_user:
        found['os_admin_user'] = image.os_admin_user
    return found
