# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of servers as Nova returns them, and which of several servers of a name is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Dict, List

from ..api.api import Api, Raw, Raws
from ..api.lists import all_servers
from ..api.marks import PREFIX
from ..api.names import check_unique
from ..api.services import COMPUTE
from .server_status import is_deleting, never_ran

_PATH = '/servers/detail'
TOKEN = PREFIX + 'token'
MEMBER_OF = PREFIX + 'member_of'
# Nova hands the filter to its database as a regular expression, in which | means itself, and what
# else has a meaning depends on the database: only what these names begin with is requested.
_NOT_PLAIN = re.compile(r'[^A-Za-z0-9_-]')


def servers_named(
    api: Api,
    names: Iterable[str],
    member_of: str | None = None,
    fresh: bool = False,
) -> List[Raw]:
    """Return the servers with these names and the members of a group, by one request.

    ``fresh``: requested again, even if nothing was changed since the last time.
    """
    wanted = set(names)
    beginnings = list(wanted)
    if member_of:
        beginnings.append(member_of)
    found: List[Raw] = []
    for raw in _beginning_with(api, _begin(beginnings), fresh):
        group = raw['metadata'].get(MEMBER_OF)
        is_member = member_of and group == member_of
        if is_member or raw['name'] in wanted:
            found.append(raw)
    return found


def _begin(names: Sequence[str]) -> str:
    """What all names begin with, up to the first character that is not plain."""
    first = min(names, default='')
    last = max(names, default='')
    length = 0
    for one, other in zip(first, last):
        if one != other:
            break
        length += 1
    common = first[:length]
    return _NOT_PLAIN.split(common, maxsplit=1)[0]


def _beginning_with(api: Api, begin: str, fresh: bool) -> Raws:
    query = {'name': f'^{begin}'} if begin else {}
    if fresh:
        found: Raws = api.pages(COMPUTE, _PATH, 'servers', **query)
    elif begin:
        found = api.listed(COMPUTE, _PATH, 'servers', **query)
    else:
        found = all_servers(api)
    return listed(api, found)


def listed(api: Api, found: Raws) -> Raws:
    """Return servers without those of a cell that is down, of which only the id is known."""
    unknown = [raw['id'] for raw in found if 'name' not in raw]
    if not unknown:
        return found
    ids = ', '.join(unknown)
    note = f'a part of the cloud is down, and nothing is known of servers {ids}'
    if note not in api.notes:
        api.notes.append(note)
    return [raw for raw in found if 'name' in raw]


def is_ours(raw: Raw) -> bool:
    """Return whether a run of this collection created a server."""
    return TOKEN in raw['metadata']


def without_our_doubles(found: Iterable[Raw]) -> List[Raw]:
    """Return servers without those that another run of this collection had created before.

    Of several runs at once, each comes to the same result.
    """
    first: Dict[str, Raw] = {}
    for raw in sorted(found, key=_age):
        if is_ours(raw):
            first.setdefault(raw['name'], raw)
    staying: List[Raw] = []
    for raw in found:
        if not is_ours(raw) or raw is first[raw['name']]:
            staying.append(raw)
    return staying


def _age(raw: Raw) -> tuple[bool, str, str]:
    is_lost = is_deleting(raw) or never_ran(raw)
    return (is_lost, raw['created'], raw['id'])


def refuse_doubles(found: Raws) -> None:
    """Raise Refused if several servers have the same name."""
    ids: Dict[str, List[str]] = {}
    for raw in found:
        same = ids.setdefault(raw['name'], [])
        same.append(raw['id'])
    for name, some in ids.items():
        check_unique('server', name, some)
