# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module image: params in, result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.image import SOURCES, Image, ImageRequest, hidden, recorded
from .._plan.image import ImagesSeen, plan
from .options import DESCRIBED, NAME, STATE, by_name, described
from .run import Resource, run, said

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'path': {'type': 'path'},
    'url': {'type': 'str'},
    'server': {'type': 'str'},
    'checksum': {'type': 'str'},
    'hide_url': {'type': 'bool', 'default': False},
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> ImageRequest:
    """What the task asks for."""
    options = {**said(params, 'checksum'), **described(params)}
    if 'checksum' in options:
        options['checksum'] = _normal(options['checksum'])
    for kind in SOURCES:
        if params[kind] is not None:
            options['source'] = f'{kind}:{params[kind]}'
    if params['url'] is not None:
        shown = hidden if params['hide_url'] else recorded
        options['source'] = f'url:{shown(params["url"])}'
    return ImageRequest(params['name'], params['state'], options, params['url'], params['hide_url'])


def _normal(checksum: str) -> str:
    """Digits are a number, in whatever case they are written."""
    kind, colon, digits = checksum.strip().partition(':')
    return checksum.strip() if '/' in digits else f'{kind.lower()}{colon}{digits.lower()}'


def secrets(params: Mapping[str, Any]) -> List[str]:
    """A URL that may hold a token or a password."""
    url = params.get('url')
    hides = params.get('hide_url') not in (None, False, 'false', 'no')
    return [url] if isinstance(url, str) and (hides or '?' in url or '@' in url) else []


def look(cloud: Cloud, asked: ImageRequest) -> Tuple[ImagesSeen, Names]:
    """The image, and what it would be made of."""
    images, names = by_name(cloud.images.list([asked.name])), {('image', asked.name)}
    now = images.get(asked.name)
    if asked.url is not None:
        cloud.seeds[asked.options['source']] = asked.url
    source = asked.options.get('source') or (now.source if now else '')
    if asked.state == 'absent':
        return ImagesSeen(images), names
    if now and now.task_state is None:
        return _same(cloud, asked, now), names
    if source.startswith('server:'):
        servers = {server.name: server.power for server in cloud.servers.list()}
        return ImagesSeen(images, servers=servers), {*names, ('server', source.partition(':')[2])}
    return ImagesSeen(images, cloud.images.source_problem(source) if source else ''), names


def _same(cloud: Cloud, asked: ImageRequest, now: Image) -> ImagesSeen:
    """Whether what is asked for in other words is what an image was made of: looked at only where the words differ."""
    source, checksum = asked.options.get('source', ''), asked.options.get('checksum')
    held = cloud.images.held(now.name, source) if source.startswith('path:') else None
    if checksum is not None and '/' in checksum and checksum != now.checksum:
        checksum = cloud.images.resolved(checksum, source or now.source)
    return ImagesSeen({now.name: now}, held=held, checksum=checksum)


def again(cloud: Cloud, planned: Sequence[Image]) -> Sequence[Image]:
    """The image as it is after the run."""
    return cloud.images.list([image.name for image in planned])


def main() -> None:
    """Be the module."""
    run(
        Resource(
            'image',
            ARGUMENTS,
            request,
            look,
            plan,
            again,
            secrets=secrets,
            rules={'mutually_exclusive': [SOURCES]},
        )
    )
