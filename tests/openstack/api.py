# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls of the API of the OpenStack, as admin, without a library of its own."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import Any

import layout

TIMEOUT = 300


class Api:
    """The session of a user."""

    def __init__(self, user: str, project: str) -> None:
        """Sign in; the service keystone may still be starting."""
        domain = {'id': 'default'}
        password = {'user': {'name': user, 'domain': domain, 'password': user}}
        identity = {'methods': ['password'], 'password': password}
        scope = {'project': {'name': project, 'domain': domain}}
        body = {'auth': {'identity': identity, 'scope': scope}}
        self._token: dict[str, str] = {}
        headers = self._call('POST', 'keystone', '/v3/auth/tokens', body)[1]
        self._token = {'X-Auth-Token': headers['X-Subject-Token']}

    def get(self, service: str, path: str) -> Any:
        """Return what is there."""
        return self._call('GET', service, path)[0]

    def send(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """Change something."""
        return self._call(method, service, path, body)[0]

    def upload(self, service: str, path: str, content: bytes) -> None:
        """Send a file."""
        self._call('PUT', service, path, content)

    def _call(
        self, method: str, service: str, path: str, body: Any = None
    ) -> tuple[Any, HTTPMessage]:
        is_file = isinstance(body, bytes)
        kind = 'application/octet-stream' if is_file else 'application/json'
        data = body if is_file or body is None else json.dumps(body).encode()
        headers = {'Content-Type': kind, 'User-Agent': 'seed', **self._token}
        url = f'{layout.url(service)}{path}'
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                content = answer.read()
                return (json.loads(content) if content else None), answer.headers
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors='replace')
            raise SystemExit(f'{method} {url}: {error.code} {text}') from error
