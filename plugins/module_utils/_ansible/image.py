# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module image: params in, result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.image import SOURCES, Image, ImageRequest, recorded
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
    **DESCRIBED,
}


def request(params: Dict[str, Any]) -> ImageRequest:
    """What the task asks for."""
    options = {**said(params, 'checksum'), **described(params)}
    for kind in SOURCES:
        if params[kind] is not None:
            options['source'] = f'{kind}:{recorded(params[kind]) if kind == "url" else params[kind]}'
    return ImageRequest(params['name'], params['state'], options, params['url'])


def secrets(params: Mapping[str, Any]) -> List[str]:
    """A URL that may hold a token or a password."""
    url = params.get('url')
    return [url] if isinstance(url, str) and ('?' in url or '@' in url) else []


def look(cloud: Cloud, asked: ImageRequest) -> Tuple[ImagesSeen, Names]:
    """The image, and what it would be made of."""
    images, names = by_name(cloud.images.list([asked.name])), {('image', asked.name)}
    now = images.get(asked.name)
    if asked.url is not None:
        cloud.seeds[asked.options['source']] = asked.url
    source = asked.options.get('source') or (now.source if now else '')
    if asked.state == 'absent' or (now and now.task_state is None):
        return ImagesSeen(images), names
    if source.startswith('server:'):
        servers = {server.name: server.power for server in cloud.servers.list()}
        return ImagesSeen(images, servers=servers), {*names, ('server', source.partition(':')[2])}
    return ImagesSeen(images, cloud.images.source_problem(source) if source else ''), names


def again(cloud: Cloud, planned: Sequence[Image]) -> Sequence[Image]:
    """The image as it is after the run."""
    return cloud.images.list([image.name for image in planned])


def main() -> None:
    """Be the module."""
    run(Resource('image', ARGUMENTS, request, look, plan, again, secrets=secrets, rules={'mutually_exclusive': [SOURCES]}))
