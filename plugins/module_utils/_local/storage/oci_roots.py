# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the image of a container runs, looked up in its root file system as the container sees it.

The root file system is untrusted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import List, Tuple

from ..._model.application import Application, Config, has_markup
from ..host.guest_files import read_inside, stat_inside

_INIT, _SHELL = '/sbin/init', '/bin/sh'
# The commands of images that are whole systems.
_INITS = (_INIT, '/usr/sbin/init', '/lib/systemd/systemd', '/usr/lib/systemd/systemd')
_MOST_USERS = 2**20  # bytes of /etc/passwd, and of /etc/group


def application_of(root: str, config: Config) -> Application | None:
    """What the image runs; None: its init. Raises ValueError if it cannot."""
    if not config.command or (len(config.command) == 1 and config.command[0] in _INITS):
        for path in (_INIT, _SHELL):
            if not _is_program(root, path):
                raise ValueError(f'it has no command, and no {path}; set an entrypoint')
        return None
    folder = os.path.join('/', config.working_dir)
    found = stat_inside(root, folder)
    if found is None or not stat.S_ISDIR(found.st_mode):
        raise ValueError(f'WorkingDir: it has no folder {folder}')
    user, group, home = _user(root, config.user)
    environment = {'HOME': home, **config.environment}
    marked = [f'{name}={environment.pop(name)}' for name in _with_markup(environment)]
    command = (_program(root, folder, config, config.command[0]), *config.command[1:])
    if marked:
        command = (_program(root, folder, config, 'env'), *marked, *command)
    return Application(
        command=command,
        environment=environment,
        working_dir=folder,
        user=user,
        group=group,
        stop_signal=config.stop_signal,
    )


def _is_program(root: str, path: str) -> bool:
    found = stat_inside(root, path)
    return found is not None and stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o111)


def _with_markup(environment: Mapping[str, str]) -> List[str]:
    """The variables that only a program of the image can set."""
    return [name for name, value in environment.items() if has_markup(value)]


def _program(root: str, folder: str, config: Config, name: str) -> str:
    """The absolute path of a program, as execvp(3) finds it."""
    path = [''] if '/' in name else config.environment['PATH'].split(':')
    for place in path:
        candidate = os.path.join(folder, place, name)
        if _is_program(root, candidate):
            return candidate
    why = '' if name == config.command[0] else ', which variables (Env) with <, > or & need'
    raise ValueError(f'its command {name[:256]!r} is not a program in it{why}')


def _user(root: str, text: str) -> Tuple[int, int, str]:
    """The user, group and home of a user: a name or number, perhaps with a colon and a group."""
    name, _colon, group_name = text.partition(':')
    name = name or '0'
    known = next(_lines(root, '/etc/passwd', name, 7), None)
    if known:
        user, group, home = known[2], known[3], known[5] or '/'
    else:
        user, group, home = name, '0', '/root' if name == '0' else '/'
    if group_name:
        known = next(_lines(root, '/etc/group', group_name, 4), None)
        group = known[2] if known else group_name
    for number in (user, group):
        if not number.isdecimal() or len(number) > 9:
            raise ValueError(f'User: it has no user or group {number[:64]!r}')
    return int(user), int(group), home


def _lines(root: str, path: str, name: str, fields: int) -> Iterator[List[str]]:
    """The lines for a name or number (passwd(5), group(5))."""
    text = (read_inside(root, path, _MOST_USERS) or b'').decode(errors='replace')
    for line in text.split('\n'):
        found = line.split(':')
        if len(found) == fields and name in (found[0], found[2]):
            yield found
