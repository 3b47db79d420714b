# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is in volumes, and where containers have it: imported if a task says something of that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, List

from .checks import reference_problems
from .problem import Problem, invalid

if TYPE_CHECKING:
    from .volume_request import VolumeRequest

FILE_SYSTEM = 'ext4'
_MOST = 255  # characters
_PATH = re.compile(r'(/[A-Za-z0-9._-]+)+\Z')
_TAKEN = ('.oldroot', 'dev', 'proc', 'run', 'sys')  # what each container mounts by itself
# What would be hidden: its programs, and its settings.
_NEEDED = ('bin', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'sbin', 'usr')


def default_mount_point(name: str) -> str:
    """Where a container has a volume, if its task does not say it."""
    return f'/mnt/{name}'


def content_problems(request: VolumeRequest) -> List[Problem]:
    """What is invalid about the content of a volume, or where it is mounted."""
    problems = _source_problems(request)
    if request.grow and request.state not in ('present', 'attached'):
        text = f'it requires state: present or attached, not {request.state}; omit it'
        problems.append(invalid('grow', text))
    if 'file_system' in request.options:
        if request.options.get('source'):
            text = 'a volume with one is created empty; omit it, or what it is to be a copy of'
            problems.append(invalid('file_system', text))
        if request.grow:
            text = 'a file_system always fills its volume; omit it'
            problems.append(invalid('grow', text))
    if request.mount_point is None:
        return problems
    if request.state != 'attached':
        text = f'it requires state: attached, not {request.state}'
        problems.append(invalid('mount_point', text))
    return problems + _path_problems(request.mount_point)


def _source_problems(request: VolumeRequest) -> List[Problem]:
    kind, _colon, name = request.options.get('source', '').partition(':')
    if not kind:
        return []
    if request.state == 'absent':
        return [invalid(kind, 'it is for new volumes, not for state: absent; omit it')]
    if kind == 'source_volume' and name == request.name:
        return [invalid(kind, f'{name} cannot be a copy of itself; use another name')]
    return reference_problems(name, kind)


def _path_problems(path: str) -> List[Problem]:
    names = path.split('/')[1:]
    if len(path) > _MOST or not _PATH.match(path) or {'.', '..'} & {*names}:
        text = (
            f'{path!r} is no directory to mount at; use an absolute path of at most {_MOST} '
            'letters, digits, dots, hyphens and underscores, without . and .., such as /data'
        )
        return [invalid('mount_point', text)]
    if names[0] in _TAKEN:
        text = f'{path} is in /{names[0]}, which a container mounts by itself; use another path'
        return [invalid('mount_point', text)]
    parts = names[1:] if names[0] == 'usr' and len(names) == 2 else names  # with a merged /usr
    if len(parts) == 1 and parts[0] in _NEEDED:
        text = f'{path} has what a container needs to start; use another path, such as /data'
        return [invalid('mount_point', text)]
    return []
