# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password of root of a container: in its shadow(5), hashed by openssl-passwd(1).

Beside its root the host keeps that hash, with the keyed one of the record (user_data.py) that it
belongs to: a rebuild needs it, and what is in the files of a container is no source.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..._cloud import Refused
from ..._cloud.programs import run
from ..._model.user_data import UserDataHash
from ..host.files import read_file, write_atomically
from ..host.guest_files import read_inside, stat_inside, write_inside
from ..record.work import Work

if TYPE_CHECKING:
    from .row_types import CompleteServer

_KEPT = 'root-password'
_SHADOW = '/etc/shadow'
_MOST = 2**20  # bytes
_NEW = ['root', '', '', '0', '99999', '7', '', '', '']


def weakness(password: str) -> str:
    """Why pwscore(1) of libpwquality does not take a password; empty if it does, or is not here."""
    try:
        utf_8 = {**os.environ, 'LC_ALL': 'C.UTF-8'}
        ran = run(['pwscore', 'root'], f'{password}\n', environment=utf_8)
    except FileNotFoundError:
        return ''
    if not ran.returncode:
        return ''
    return ' '.join(ran.stderr.split())[:500] or 'pwscore does not take it'


def add_password(rows: Mapping[str, CompleteServer], password: str, secret: str) -> None:
    """Give the password of this task to the servers that are recorded with it."""
    own = UserDataHash.of(password, secret)
    for row in rows.values():
        if own.matches(row['root_password']):
            row['password'] = password


def hash_of(work: Work, row: CompleteServer, folder: str) -> str:
    """The hash for shadow(5); empty: the container has no password of ours.

    It is kept in the folder of the container, which exists.
    """
    recorded = row['root_password']
    if recorded is None:
        return ''
    path = os.path.join(folder, _KEPT)
    name, _space, kept = (read_file(path) or '').partition(' ')
    if name == recorded:
        return kept
    if not row['password']:
        raise Refused(
            'root_password: only a hash of it is recorded; run the task again that sets it',
            'root_password',
        )
    made = work.run('openssl', 'passwd', '-6', '-stdin', text=f'{row["password"]}\n').strip()
    write_atomically(path, f'{recorded} {made}')
    return made


def set_password(root: str, made: str) -> None:
    """Set the hash of root in the files of a container that does not run."""
    found, text = stat_inside(root, _SHADOW), read_inside(root, _SHADOW, _MOST)
    if found is None or text is None:
        raise Refused('root_password: its image has no /etc/shadow; omit it', 'root_password')
    fields, others = _NEW, []
    for line in text.decode(errors='surrogateescape').splitlines():
        if line.startswith('root:') and line.count(':') == len(_NEW) - 1:
            fields = line.split(':')
        elif not line.startswith('root:'):
            others.append(line)
    day = str(int(time.time()) // 86400)
    lines = [':'.join(['root', made, day, *fields[3:]]), *others]
    data = ''.join(f'{line}\n' for line in lines).encode(errors='surrogateescape')
    write_inside(root, _SHADOW, data, (found.st_uid, found.st_gid), found.st_mode & 0o777)
