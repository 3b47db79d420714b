# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers of volumes: imported if a task says something of that, or a volume has some."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Tuple

from .checks import reference_problems
from .problem import Problem, invalid

if TYPE_CHECKING:
    from .volume import Volume
    from .volume_request import VolumeRequest

Names = Tuple[str, ...]


def leaving(request: VolumeRequest, current: Volume) -> Names:
    """The servers that lose a volume, also those that get it in the other way then."""
    wanted, having = request.named, current.servers
    if request.state == 'detached':
        return tuple(name for name in having if not wanted or name in wanted)
    if request.state != 'attached':
        return ()
    is_other = request.read_only is not None and request.read_only != bool(current.readers)
    return tuple(name for name in having if is_other or name not in wanted)


def joining(request: VolumeRequest, current: Volume) -> Names:
    """The servers that get a volume when others have lost it."""
    if request.state != 'attached':
        return ()
    staying = {*current.servers} - {*leaving(request, current)}
    return tuple(name for name in request.named if name not in staying)


def server_problems(request: VolumeRequest) -> List[Problem]:
    """What is invalid about the servers of a volume, and about how they get it."""
    option = 'server' if request.servers is None else 'servers'
    problems: List[Problem] = []
    for name in request.named:
        problems += reference_problems(name, option)
    if request.servers == ():
        problems.append(invalid('servers', 'it is empty; name at least one server, or omit it'))
    elif request.state == 'attached' and not request.named:
        problems.append(invalid('server', 'specify the server to attach it to'))
    if request.state in ('present', 'absent') and request.named:
        text = f'it requires state: attached or detached, not {request.state}'
        problems.append(invalid(option, text))
    return problems + _reader_problems(request)


def _reader_problems(request: VolumeRequest) -> List[Problem]:
    problems: List[Problem] = []
    if request.read_only is not None and request.state != 'attached':
        text = f'it requires state: attached, not {request.state}; omit it'
        problems.append(invalid('read_only', text))
    if request.state == 'attached' and len(request.named) > 1 and not request.read_only:
        text = (
            f'{", ".join(request.named)} would all write to the volume, and destroy what is on '
            'it; set read_only: true, or use one server'
        )
        problems.append(invalid('servers', text))
    if request.read_only and request.grow:
        problems.append(invalid('grow', 'nothing grows on a volume that is read-only; omit it'))
    return problems
