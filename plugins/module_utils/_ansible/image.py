# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module image: params in, result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Sequence, Tuple

from .._cloud import Cloud, Names
from .._model.image import SOURCES, Image, ImageRequest, hidden_url, url_without_query
from .._plan.image import ObservedImages, plan
from .options import DESCRIBED, NAME, STATE, by_name, described, given_options
from .run import Resource, run

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
    options = {**given_options(params, 'checksum'), **described(params)}
    if 'checksum' in options:
        options['checksum'] = _normal(options['checksum'])
    for kind in SOURCES:
        if params[kind] is not None:
            options['source'] = f'{kind}:{params[kind]}'
    if params['url'] is not None:
        recorded = hidden_url if params['hide_url'] else url_without_query
        options['source'] = f'url:{recorded(params["url"])}'
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


def observe(cloud: Cloud, requested: ImageRequest) -> Tuple[ObservedImages, Names]:
    """The image, and what it would be made of."""
    images, names = by_name(cloud.images.list([requested.name])), {('image', requested.name)}
    current = images.get(requested.name)
    if requested.url is not None:
        cloud.secrets[requested.options['source']] = requested.url
    source = requested.options.get('source') or (current.source if current else '')
    if requested.state == 'absent':
        return ObservedImages(images), names
    if current and current.task_state is None:
        return _same(cloud, requested, current), names
    if source.startswith('server:'):
        servers = {server.name: server.power for server in cloud.servers.list()}
        return ObservedImages(images, servers=servers), {
            *names,
            ('server', source.partition(':')[2]),
        }
    return ObservedImages(images, cloud.images.source_problem(source) if source else ''), names


def _same(cloud: Cloud, requested: ImageRequest, current: Image) -> ObservedImages:
    """Whether what is asked for in other words is what an image was made of: looked at only where the words differ."""
    source, checksum = requested.options.get('source', ''), requested.options.get('checksum')
    held = cloud.images.source_digests(current.name, source) if source.startswith('path:') else None
    if checksum is not None and '/' in checksum and checksum != current.checksum:
        checksum = cloud.images.resolve_checksum(checksum, source or current.source)
    return ObservedImages({current.name: current}, held=held, checksum=checksum)


def reload(cloud: Cloud, planned: Sequence[Image]) -> Sequence[Image]:
    """The image as it is after the run."""
    return cloud.images.list([image.name for image in planned])


def main() -> None:
    """Run the module."""
    run(
        Resource(
            'image',
            ARGUMENTS,
            request,
            observe,
            plan,
            reload,
            secrets=secrets,
            rules={'mutually_exclusive': [SOURCES]},
        )
    )
