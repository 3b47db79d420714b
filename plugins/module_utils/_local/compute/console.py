# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The console log of a server.

virtlogd writes what the guest prints to console.log. When the file is full, it becomes
console.log.0, which becomes console.log.1, and so on; the oldest is deleted (virtlogd.conf). That
of a container is written by s6-log to console/current, whose older files are called @TIME. Each
start by a task begins with a line of this collection, signed with a key that the guest cannot know.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Dict, List, Set, Tuple

from ..._cloud import Unsupported
from ..._model import guest
from ..._model.console_log import MARK, ConsoleLog, bytes_of, is_by_guest, newest
from ..._model.server_type import CONTAINER, VM
from ..host.files import read_file, write_atomically
from ..record.database import Query

if TYPE_CHECKING:
    from ..record.host import Host
    from ..record.rows import ServerRow

LOG = 'console.log'
_FOLDER, _CURRENT = 'console', 'current'  # of a container
_KEY = 'console.key'
_START = f'{MARK}starts the server, '
_START_LINE = re.compile(f'^{_START}([0-9TZ:-]{{20}}), ([0-9a-f]{{32}}) --$', re.MULTILINE)
_ATTEMPTS = 5  # to read the files while none is rotated
_BY_NAME: Query[ServerRow] = Query(
    'SELECT * FROM server WHERE name IN (SELECT value FROM json_each(?1))'
)


class Console:
    """The console log in the folder of a server, which only root can read."""

    def __init__(self, folder: str, type_of_server: str = VM) -> None:
        """``folder``: it may lack the log. ``type_of_server``: see server_type.py."""
        name = os.path.join(_FOLDER, _CURRENT) if type_of_server == CONTAINER else LOG
        self.path = os.path.join(folder, name)
        self._key_path = os.path.join(folder, _KEY)

    def mark_start(self) -> None:
        """Write that the server, which does not run, is started now."""
        import secrets
        from datetime import datetime, timezone

        from ..._model.history import utc

        key = read_file(self._key_path)
        if not key:
            key = secrets.token_hex(16)
            write_atomically(self._key_path, key)
        time = utc(datetime.now(timezone.utc))
        os.makedirs(os.path.dirname(self.path), 0o700, exist_ok=True)
        # s6-log takes a file that is not executable for one that it was writing when it was killed.
        mode = 0o700 if self.path.endswith(_CURRENT) else 0o600
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode)
        with open(descriptor, 'a+b') as file:
            last = os.pread(descriptor, 1, max(0, os.fstat(descriptor).st_size - 1))
            end_of_line = '' if last in (b'', b'\n') else '\n'
            line = f'{end_of_line}{_START}{time}, {_signature(key, time)} --\n'
            file.write(line.encode())

    def newest(self, lines: int) -> ConsoleLog:
        """The newest lines; none if the server has never been started."""
        key = read_file(self._key_path) or ''
        end, is_whole = read_end(self.path, bytes_of(lines))

        def shown(line: str) -> str:
            time = _time_of(line, key)
            return f'{_START}{time} --' if time else is_by_guest(line)

        return newest(end, lines, is_whole, shown)

    def last_boot(self) -> bytes:
        """The end of the log, of the last boot only; empty if there is no log."""
        key = read_file(self._key_path) or ''
        end = read_end(self.path, guest.MAX_BYTES)[0].decode('latin-1')  # one character per byte
        starts = [line for line in _START_LINE.finditer(end) if _time_of(line.group(), key)]
        return end[starts[-1].end() if starts else 0 :].encode('latin-1')


def console_logs(host: Host, names: Sequence[str], lines: int) -> Dict[str, ConsoleLog]:
    """The newest lines of the console logs of those of these servers that exist."""
    rows = host.record.named(_BY_NAME, names)
    for row in rows:
        if row['type'] == CONTAINER:
            _check_is_kept(host, row)
    return {row['name']: console_of(host, row).newest(lines) for row in rows}


def _check_is_kept(host: Host, row: ServerRow) -> None:
    from .container_console import is_read

    if not is_read(host) and not os.path.exists(console_of(host, row).path):
        raise Unsupported(
            f'server {row["name"]} is a container, and this host does not read what those print; '
            'run the role hanok.cloud.host, then restart the server (state: restarted)',
            'name',
            'server',
            row['name'],
        )


def console_of(host: Host, row: ServerRow) -> Console:
    """The console log of a server."""
    return Console(host.settings.path('servers', row['uuid']), row['type'])


def _signature(key: str, time: str) -> str:
    return hmac.new(key.encode(), time.encode(), 'sha256').hexdigest()[:32]


def _time_of(line: str, key: str) -> str:
    """The time of a start; empty if the line is not signed, so that the guest has printed it."""
    found = _START_LINE.fullmatch(line)
    if not key or not found:
        return ''
    time, signature = found.groups()
    return time if hmac.compare_digest(signature, _signature(key, time)) else ''


def read_end(path: str, limit: int) -> Tuple[bytes, bool]:
    """The last ``limit`` bytes of a log over its rotated files, and whether they are all of it."""
    for _attempt in range(_ATTEMPTS):
        before = _identity(path)
        found = _read([path, *_older(path)], limit)
        if _identity(path) == before:
            return found
    return _read([path], limit)[0], False  # the guest prints faster than it can be read


def _identity(path: str) -> int | None:
    """The inode of the newest file, which changes with each rotation; None if there is no file."""
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _older(path: str) -> List[str]:
    """The rotated files of a log, the newest first."""
    folder, name = os.path.split(path)
    try:
        files = os.listdir(folder)
    except FileNotFoundError:
        return []
    if name == _CURRENT:  # their names are times; a full file is called previous for a moment
        times = sorted((file for file in files if file.startswith('@')), reverse=True)
        return [os.path.join(folder, file) for file in ('previous', *times)]
    numbers = [file[len(name) + 1 :] for file in files if file.startswith(f'{name}.')]
    return [f'{path}.{number}' for number in sorted(map(int, filter(str.isdecimal, numbers)))]


def _read(paths: List[str], limit: int) -> Tuple[bytes, bool]:
    """The end of files, the newest first, each of which may be renamed to the next meanwhile."""
    parts: List[bytes] = []
    seen: Set[int] = set()
    for path in paths:
        try:
            file = open(path, 'rb')  # noqa: SIM115 (closed below; only opening may fail)
        except FileNotFoundError:
            continue
        with file:
            status = os.fstat(file.fileno())
            if status.st_ino in seen:
                continue
            seen.add(status.st_ino)
            start = max(0, status.st_size - limit)
            file.seek(start)
            parts.append(file.read(status.st_size - start))
        limit -= len(parts[-1])
        if start:
            return b''.join(reversed(parts)), False
    return b''.join(reversed(parts)), True
