# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""URLs that images are created from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, List

from .problem import Problem, invalid

if TYPE_CHECKING:
    from .image import ImageRequest

REGISTRY = 'docker://'


def url_problems(url: str, request: ImageRequest) -> List[Problem]:
    """What is invalid in a URL, and in the options that go with it."""
    if url.startswith(REGISTRY):
        from .registry import registry_problems

        return registry_problems(url, request)
    problems = _url_problems(url)
    if 'checksum' not in request.options and request.state == 'present':
        problems.append(
            invalid(
                'checksum',
                'it is required with url; set the checksum of the file, such as sha256:...',
            )
        )
    return problems


def _url_problems(url: str) -> List[Problem]:
    if not re.fullmatch('[!-~]*', url):
        return [
            invalid(
                'url', 'it contains a space, or is not ASCII; percent-encode it (%20 for a space)'
            )
        ]
    if re.match('[^/]*//[^/]*@', url):
        return [
            invalid(
                'url', 'it contains a user name or password; download the file first, and set path'
            )
        ]
    if not re.match(r'https?://[^/\s]+/\S', url):
        return [invalid('url', f'{url.partition("?")[0]!r} is no http, https or docker URL')]
    return []
