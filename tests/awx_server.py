# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for the API of AWX: what the modules of awx.awx ask for, and no more.

AWX itself does not run here. Objects are created, changed, found by their fields, and associated;
what a request may contain is not checked, but nothing is answered that was not asked by name.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Item = dict[str, Any]
PREFIX = '/api/v2/'
TEMPLATES = {'job_templates': 'job_template', 'workflow_job_templates': 'workflow_job_template'}
KINDS = {
    'credential_types',
    'credentials',
    'execution_environments',
    'inventories',
    'labels',
    'organizations',
    'projects',
    'schedules',
    'workflow_job_template_nodes',
    *TEMPLATES,
}
RELATED = ('labels', 'credentials', 'success_nodes', 'failure_nodes', 'always_nodes', 'survey_spec')


class State:
    """What the server has. ``writes``: the requests that changed something."""

    def __init__(self) -> None:
        """Only an organization is there, as in a new AWX."""
        self.items: dict[str, list[Item]] = {kind: [] for kind in KINDS}
        self.surveys: dict[str, Item] = {}
        self.related: dict[str, list[Item]] = {}
        self.writes: list[tuple[str, str, Any]] = []
        self.add('organizations', {'name': 'Default'})

    def add(self, kind: str, fields: Item) -> Item:
        """Create an object."""
        number = sum(map(len, self.items.values())) + 1
        url = f'{PREFIX}{kind}/{number}/'
        related = {name: f'{url}{name}/' for name in RELATED}
        item = {'id': number, 'url': url, 'related': related, 'summary_fields': {}, **fields}
        if kind in TEMPLATES:
            item['type'] = TEMPLATES[kind]
        if isinstance(item.get('extra_vars'), dict):
            item['extra_vars'] = json.dumps(item['extra_vars'])
        self.items[kind].append(item)
        return item

    def find(self, kind: str, wanted: Item) -> list[Item]:
        """The objects that have these fields."""
        kinds = TEMPLATES if kind == 'unified_job_templates' else [kind]
        return [
            item
            for one in kinds
            for item in self.items[one]
            if all(str(item.get(name)) == str(value) for name, value in wanted.items())
        ]

    def one(self, kind: str, number: str) -> Item:
        """An object by its id."""
        (found,) = self.find(kind, {'id': number})
        return found

    def associate(self, path: str, kind: str, data: Item) -> None:
        """Add an object to those that are related to another one, or remove it."""
        kind = kind if kind in KINDS else 'workflow_job_template_nodes'
        others = [item for item in self.related.get(path, []) if item['id'] != data['id']]
        if not data.get('disassociate'):
            others.append(self.one(kind, str(data['id'])))
        self.related[path] = others


def handler_of(state: State) -> type[BaseHTTPRequestHandler]:
    """Answers requests from a state."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            words = path.removeprefix(PREFIX).strip('/').split('/')
            if words == ['ping']:
                self.answer(200, {'version': '24.6.1'})
            elif len(words) == 1:
                self.listed(state.find(words[0], query))
            elif words[-1] == 'survey_spec':
                self.answer(200, state.surveys.get(path, {}))
            elif len(words) == 2:
                self.answer(200, state.one(*words))
            else:
                self.listed(state.related.get(path, []))

        def do_POST(self) -> None:
            path, data = self.noted()
            words = path.removeprefix(PREFIX).strip('/').split('/')
            if len(words) == 1:
                self.answer(201, state.add(words[0], data))
            elif words[-1] == 'survey_spec':
                state.surveys[path] = data
                self.answer(200, {})
            else:
                state.associate(path, words[-1], data)
                self.answer(204, None)

        def do_PATCH(self) -> None:
            path, data = self.noted()
            item = state.one(*path.removeprefix(PREFIX).strip('/').split('/'))
            item.update(data)
            self.answer(200, item)

        def noted(self) -> tuple[str, Any]:
            data = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            state.writes.append((self.command, self.path, data))
            return urlsplit(self.path).path, data

        def listed(self, items: list[Item]) -> None:
            self.answer(200, {'count': len(items), 'next': None, 'results': items})

        def answer(self, code: int, content: Any) -> None:
            text = b'' if content is None else json.dumps(content).encode()
            self.send_response(code)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(text)))
            self.send_header('X-API-Product-Name', 'AWX')
            self.send_header('X-API-Product-Version', '24.6.1')
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    return Handler


@contextmanager
def running() -> Iterator[tuple[State, str]]:
    """A server; its state, and its address."""
    state = State()
    with ThreadingHTTPServer(('127.0.0.1', 0), handler_of(state)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state, f'http://127.0.0.1:{server.server_address[1]}'
        server.shutdown()
