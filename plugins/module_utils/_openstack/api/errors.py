# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors of an OpenStack, translated into those of the contract where they arise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from json import loads
from typing import Type

from ..._cloud import Busy, CloudError, Gone, NoAnswer, Refused, Unsupported
from .services import Service

MAX_TEXT = 500
_TAGS = re.compile('<head>.*?</head>|<[^>]*>', re.DOTALL)
# Nova answers HTTP 500 with its class when another task changed the state of a server meanwhile.
_CHANGED_MEANWHILE = re.compile(r'nova\.exception\.Unexpected(Deleting)?TaskStateError')
_TEXTS = ('message', 'faultstring', 'NeutronError', 'error')
_CLASSES: Mapping[int, Type[CloudError]] = {
    400: Refused,
    403: Refused,
    404: Refused,
    409: Busy,
    413: Refused,
    429: Busy,
    502: NoAnswer,  # of a proxy before the service, as 504 is
    503: Busy,
    504: NoAnswer,
}


def error_of(
    cloud: str,
    service: Service,
    status: int,
    body: str,
    request: str,
) -> CloudError:
    """Return the error for an answer with an HTTP status of 400 and more.

    ``request``: its id, by which operators find it in their logs.
    """
    text = f'{text_of(body)} ({service.type}, HTTP {status}, {request or "without a request id"})'
    if status == 401:
        return Unsupported(f'the cloud {cloud} does not accept the credentials: {text}', 'cloud')
    if status == 403 and not _is_over_quota(body):
        return Unsupported(f'the cloud {cloud} does not permit this to its members: {text}')
    if status == 404 and 'ExternalGatewayForFloatingIPNotFound' not in body:
        return Gone()
    if status == 500 and _CHANGED_MEANWHILE.search(body):
        return Busy(f'another task changed its state meanwhile; run the task again: {text}')
    if status == 409 and 'quota' in body.lower():
        return Refused(text)
    return _CLASSES.get(status, CloudError)(text)


def _is_over_quota(body: str) -> bool:
    """Whether a request was forbidden only because it is too much: Nova answers 403 then."""
    text = body.lower()
    return 'quota' in text or 'exceed' in text


def text_of(body: str) -> str:
    """Return the message in the body of an error, in any of the forms that services use.

    They are {x: {message}} (Nova, Cinder), {NeutronError: {message}}, {faultstring} (Octavia),
    {error: {message}} (Keystone), and HTML or plain text (Glance).
    """
    try:
        found = loads(body)
    except ValueError:
        found = ' '.join(_TAGS.sub(' ', body).split())
    for _depth in range(3):
        if isinstance(found, dict):
            inner = [found[key] for key in _TEXTS if key in found] or list(found.values())
            found = inner[0] if inner else ''
    text = ''.join(filter(str.isprintable, str(found)))
    return text[:MAX_TEXT] or 'without a reason'
