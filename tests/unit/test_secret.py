# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets of a request: given to the cloud, found again by what is recorded, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import image
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import server_rows
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.image import is_url_of
from ansible_collections.hanok.cloud.plugins.module_utils._model.secret import NO_SECRETS, Secrets
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import Server
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data import (
    UserDataHash,
    unkeyed_hash,
)

TEXT = '#!/bin/sh\necho hunter2\n'
URL = 'https://example.com/images/web.qcow2?token=hunter2'


def image_request(**params: Any) -> Any:
    """The request of a task of the module image."""
    options = dict.fromkeys(image.ARGUMENTS)
    shared = {'name': 'i', 'state': 'present', 'wait_timeout': 300}
    return image.request({**options, **shared, **params})


def test_requests_have_them() -> None:
    """Neither the request nor its secrets show them."""
    server = ServerRequest('web', 'present', {}, user_data=TEXT)
    assert server.secrets == Secrets(user_data=TEXT)
    url = image_request(url=URL, hide_url=False)
    assert url.secrets == Secrets(url=URL)
    assert image_request(path='/i.qcow2', hide_url=False).secrets == NO_SECRETS
    shown = repr([server, server.secrets, url, url.secrets])
    assert 'hunter2' not in shown


@pytest.mark.parametrize('hide_url', [True, False])
def test_url_by_its_source(hide_url: bool) -> None:
    """However much of it is recorded; no other URL matches."""
    source = image_request(url=URL, hide_url=hide_url).options['source']
    assert 'hunter2' not in source
    assert is_url_of(URL, source)
    assert is_url_of('https://example.com/images/web.qcow2?token=another', source)
    assert not is_url_of('https://example.com/images/db.qcow2?token=hunter2', source)


def test_user_data_by_its_hash(tmp_path: Path) -> None:
    """Servers get it if they were recorded with it, also by another version, and no others."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    content = {
        'keyed': UserDataHash.of(TEXT, record.secret()),
        'unkeyed': unkeyed_hash(TEXT),
        'rebuilt': UserDataHash.of(TEXT, 'the secret of a lost record'),
        'other': UserDataHash.of('#!/bin/sh\n', record.secret()),
        'none': None,
    }
    labels = {'description': '', 'labels': '{}'}
    with record.writer.transaction():
        record.writer.insert_row('image', {'uuid': 'i', 'name': 'i', 'source': 'path:/i', **labels})
        for name, user_data in content.items():
            server = Server(name, image='i', networks=(), security_groups=(), user_data=user_data)
            server_rows.reserve(record, (), server)
    rows = server_rows.complete_rows(record, TEXT, list(content))
    got = {name for name, row in rows.items() if row['first_boot'] == TEXT}
    assert got == {'keyed', 'unkeyed', 'rebuilt'}
    assert {rows[name]['first_boot'] for name in ('other', 'none')} == {''}
