# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password of root in the files of a container."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Refused
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import (
    container_passwords as passwords,
)

OTHERS = 'daemon:*:19000:0:99999:7:::\n\udcff:x:1\n'


def set_in(tmp_path: Path, before: str) -> str:
    """Set a password; return the file after that."""
    shadow = tmp_path / 'etc' / 'shadow'
    shadow.parent.mkdir(exist_ok=True)
    shadow.write_text(before, errors='surrogateescape')
    shadow.chmod(0o640)
    passwords.set_password(str(tmp_path), '$6$salt$hash')
    assert shadow.stat().st_mode & 0o7777 == 0o640
    return shadow.read_text(errors='surrogateescape')


@pytest.mark.parametrize(
    ('before', 'rest'),
    [
        ('root:*:19000:1:90:7:::\n', '1:90:7:::'),
        ('', '0:99999:7:::'),
        ('root:*\n', '0:99999:7:::'),
        ('root:a:1:2:3:4:::\nroot:b:1:2:3:4:::\n', '2:3:4:::'),
    ],
)
def test_only_root_changes(tmp_path: Path, before: str, rest: str) -> None:
    """Root has one line, with the limits that it had; all others are as they were."""
    first, others = set_in(tmp_path, before + OTHERS).split('\n', 1)
    day = int(first.split(':')[2])
    assert abs(day - time.time() / 86400) <= 1
    assert (first, others) == (f'root:$6$salt$hash:{day}:{rest}', OTHERS)


def test_image_without_passwords(tmp_path: Path) -> None:
    """It is told that nobody could log in by one; a link that leads out is none, either."""
    outside = tmp_path / 'shadow'
    outside.write_text('kept')
    for root in (tmp_path / 'empty', tmp_path / 'linked'):
        (root / 'etc').mkdir(parents=True)
        if root.name == 'linked':
            (root / 'etc' / 'shadow').symlink_to(outside)
        with pytest.raises(Refused, match='its image has no /etc/shadow'):
            passwords.set_password(str(root), '$6$salt$hash')
    assert outside.read_text() == 'kept'


def test_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of the host decides, if it is there, and gets the password by its input."""
    monkeypatch.setenv('PATH', str(tmp_path))
    assert passwords.weakness('word') == ''
    program = tmp_path / 'pwscore'
    program.write_text(
        '#!/bin/sh\nread -r word\n[ "$*" = root ] && [ "$word" = "good one" ] && exit\n'
        'echo "Password quality check failed:" >&2\necho " it is too short" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    assert passwords.weakness('good one') == ''
    assert passwords.weakness('word') == 'Password quality check failed: it is too short'
