# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First-boot content: what cloud-init recognizes is accepted, what it would ignore is refused."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.user_data_format import (
    user_data_problems,
)

UNKNOWN = 'cloud-init does not recognize its format; begin it with #! (a script) or #cloud-config'
IGNORED = 'and cloud-init would ignore all of it'


@pytest.mark.parametrize(
    'text',
    [
        '#!/bin/sh\ntrue\n',
        '#cloud-config\npackages: [nginx]\n',
        '#Cloud-Config\npackages: [nginx]\n',
        '\n #cloud-config\npackages: [nginx]\n',
        '#cloud-config\n',
        '#cloud-config\n# nothing yet\n',
        '#cloud-config-archive\n- type: text/cloud-boothook\n  content: x\n',
        '#include\nhttps://example.com/a\n',
        '#include-once\nhttps://example.com/a\n',
        '## template: jinja\n#cloud-config\nruncmd: [{{ v1.region }}]\n',
        '#cloud-boothook\n#!/bin/sh\n',
        '#part-handler\n',
        'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b--\n',
        'From nobody\nmime-version: 1.0\nContent-Type: text/cloud-config\n\npackages: []\n',
    ],
)
def test_recognized_content(text: str) -> None:
    """Case-insensitively and after white space, as in cloud-init."""
    assert user_data_problems(text) == []


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('echo hello', UNKNOWN),
        ('', UNKNOWN),
        ('packages: [nginx]', UNKNOWN),
        ('\n#!/bin/sh\n', 'white space precedes #!, so that it would not run'),
        ('Content-Type: text/cloud-config\n\npackages: []\n', 'add it'),
        ('#!/bin/sh\r\ntrue\r\n', 'it has Windows line endings (CR LF)'),
        ('#cloud-config\r\npackages: []\r\n', 'it has Windows line endings (CR LF)'),
        ('#!/bin/sh\0\n', 'it contains a NUL character; it must be text'),
        ('#cloud-config\npackages: [\n', f'it is not valid YAML (see line 3), {IGNORED}'),
        ('#cloud-config\n- packages\n', f'its YAML is not a mapping, {IGNORED}'),
        ('#cloud-config\nhello\n', f'its YAML is not a mapping, {IGNORED}'),
        ('#cloud-config\n' + '[' * 100_000, f'it is not valid YAML, {IGNORED}'),
    ],
)
def test_ignored_content(text: str, problem: str) -> None:
    """One sentence, with a solution."""
    (found,) = user_data_problems(text)
    assert found.startswith('user_data: ')
    assert problem in found


def test_content_is_not_quoted() -> None:
    """Errors in the YAML are reported without quoting it."""
    for text in (
        '#cloud-config\npassword: [hunter2',
        '#cloud-config\n*hunter2',
        '#cloud-config\n!hunter2 a',
    ):
        assert 'hunter2' not in ''.join(user_data_problems(text))
