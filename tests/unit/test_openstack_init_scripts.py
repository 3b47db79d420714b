# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Init scripts in the properties of images of Glance."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.init_script import InitScript
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.properties import (
    from_properties,
    patch,
    to_properties,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.catalogue.init_scripts import (
    properties_of,
    script_of,
)
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.profile import profile_of

IMAGE = {'id': 'i1', 'name': 'web', 'created_at': '2026-01-01T00:00:00Z', 'owner': 'p', 'tags': []}


@pytest.mark.parametrize('content', ['', '#!/bin/sh\n', '#!/bin/sh\necho 한옥 🏠\n', 'a', 'ab'])
def test_content_is_read_as_it_was_written(content: str) -> None:
    """Any text, of any length."""
    script = InitScript('web', content, 'for web servers', {'owner': 'me', 'a/b': ''})
    raw = {**IMAGE, **properties_of(script, 'kim', 'hash')}
    found = script_of(raw, ['b', 'a'])
    assert found == InitScript(
        'web',
        content,
        'for web servers',
        {'owner': 'me', 'a/b': ''},
        ('a', 'b'),
        'i1',
        'kim',
        '2026-01-01T00:00:00Z',
    )


def test_longest_content_fits_into_a_property() -> None:
    """MySQL has 65,535 bytes in a TEXT, the type of a property."""
    from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api.aliases import Aliases

    script = InitScript('web', 'x' * profile_of(Aliases()).max_init_script)
    assert max(map(len, properties_of(script, '', '').values())) == 65_535


@pytest.mark.parametrize('content', [None, 'no base64', '/w'])
def test_image_without_a_script(content: str | None) -> None:
    """An image whose property was written by others is none."""
    own = {'content': content}
    assert script_of({**IMAGE, **to_properties('web', {}, own)}) is None


def test_properties_that_were_copied_are_not_ours() -> None:
    """Nova copies the properties of an image into a snapshot, which has another name."""
    raw: dict[str, Any] = {**IMAGE, **to_properties('web', {'a': 'b'}, {'created_by': 'kim'})}
    assert from_properties(raw).created_by == 'kim'
    copy = from_properties({**raw, 'name': 'snapshot'})
    assert copy == ({}, {})


def test_patch_keeps_the_properties_of_others() -> None:
    """Only ours are written and removed."""
    raw = {**IMAGE, 'hw_disk_bus': 'scsi', **to_properties('web', {'a/b': '1', 'c~d': '2'}, {})}
    wanted = {**to_properties('web', {'e': '3'}, {'x': None}), 'description': 'new'}
    assert patch(raw, wanted) == [
        {'op': 'add', 'path': '/hanok:label:e', 'value': '3'},
        {'op': 'add', 'path': '/description', 'value': 'new'},
        {'op': 'remove', 'path': '/hanok:label:a~1b'},
        {'op': 'remove', 'path': '/hanok:label:c~0d'},
    ]
