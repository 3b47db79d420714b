# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image is created from, observed: imported when one is created."""

from __future__ import annotations

from typing import Mapping, Set, Tuple

from .._cloud import Cloud, Names
from .._model.image import DISK_FORMATS, OF_CLOUD, Image, ImageRequest
from .._plan.image import ObservedImages
from .._plan.volume import ObservedVolumes
from .image_files import described
from .operations import backups_of
from .options import by_name
from .references import References
from .volume_source import copied


def with_source(
    cloud: Cloud,
    requested: ImageRequest,
    current: Image | None,
    images: Mapping[str, Image],
    names: Set[Tuple[str, str]],
) -> Tuple[ObservedImages, Names]:
    """Return the images, whether one can be created from its source, and the names to lock."""
    source = requested.options.get('source') or (current.source if current else '')
    kind, _colon, of = source.partition(':')
    if kind in ('volume', 'snapshot'):
        volumes, more = copied(cloud, kind, of, ObservedVolumes({}))
        observed = ObservedImages(images, volumes=volumes, of_attached=cloud.images.of_attached)
        return observed, {*names, *more}
    if kind in OF_CLOUD:
        return _of_cloud(cloud, images, kind, of, current is None), {*names, (kind, of)}
    manifest = described(cloud, of) if kind == 'path' else None
    is_named = 'source' in requested.options
    known = manifest or (None if is_named else current)
    disk_format = requested.options.get(
        'disk_format', known.disk_format if known else DISK_FORMATS[0]
    )
    problem = cloud.images.source_problem(source, disk_format) if source else ''
    return ObservedImages(images, problem, described_by=manifest), names


def _of_cloud(
    cloud: Cloud, images: Mapping[str, Image], kind: str, of: str, is_new: bool
) -> ObservedImages:
    """What an image of a server or of a backup is created from."""
    if kind == 'backup':
        backups = backups_of(cloud)
        found = by_name('backup', backups.list())
        shortage = backups.shortage(of, makes_image=True) if is_new and of in found else ''
        return ObservedImages(images, backups=found, shortage=shortage)
    servers = References('server', cloud.servers.list())
    servers.check(of)
    return ObservedImages(images, servers=servers)
