# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules the kernel holds, and whether these are the ones that were loaded: all tables and chains count, not one sign of them.

After a load the listing is hashed; looking lists again. The network hook
(roles/host/files/network-hook) does the same in shell.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from functools import lru_cache
from typing import List, NamedTuple, Tuple

from .._cloud import CloudError

# One process for both tables: of two `list table` in one command nft 1.0.6 fills in the last one
# only.
_LIST = 'list ruleset inet; list ruleset bridge'
_BEGINNINGS = ('table inet hanok {\n', 'table bridge hanok {\n')
_REVISION = re.compile(r'^\tchain rev_([a-z0-9_]+) \{$', re.MULTILINE)

_BY_BRIDGE = 'table bridge hanok_probe { chain probed { meta ibrname "hk0" accept; }; }'


class Loaded(NamedTuple):
    """The revision of rules, and a hash of all of them."""

    revision: str
    digest: str

    def number(self, record: str) -> int:
        """How often the record had been changed that they were made of; -1: it was another record."""
        name, _underscore, number = self.revision.rpartition('_')
        return int(number) if name == record and number.isdigit() else -1


class Kept(NamedTuple):
    """What was loaded, a hash of the file that it was loaded from, and the devices by which servers get out."""

    rules: Loaded
    source: str
    outside: Tuple[str, ...] = ()

    def text(self) -> str:
        """One line: revision, hash of the rules, hash of the file, devices."""
        words = (self.rules.revision, self.rules.digest, self.source, *self.outside)
        return ' '.join(words) + '\n'


NOTHING = Kept(Loaded('', ''), '')


def parse(text: str) -> Kept:
    """What was kept; nothing where that is no such line."""
    words = text.split()
    if len(words) < 3:
        return NOTHING
    return Kept(Loaded(words[0], words[1]), words[2], tuple(words[3:]))


def digest(text: str | None) -> str:
    """A hash of a text."""
    return hashlib.sha256((text or '').encode()).hexdigest()


def current() -> Loaded:
    """What the kernel holds."""
    try:
        ran = subprocess.run(
            ['nft', '-s', _LIST],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise CloudError(
            'nft is not installed on this host; the role hanok.cloud.host installs it'
        ) from None
    return of(ran.stdout)


def of(listing: str) -> Loaded:
    """What a listing of nft(8) shows."""
    text = ''.join(_ours(listing))
    found = _REVISION.search(text)
    return Loaded(found.group(1) if found else '', digest(text))


def _ours(listing: str) -> List[str]:
    """The lines of our tables, without the elements of sets that packets fill."""
    lines: List[str] = []
    inside = filled = False
    for line in listing.splitlines(keepends=True):
        inside = inside or line in _BEGINNINGS
        if inside and not filled:
            lines.append(line)
        filled = (filled and line != '\t}\n') or (
            line.startswith('\t\tflags ') and 'dynamic' in line
        )
        inside = inside and line != '}\n'
    return lines


@lru_cache(maxsize=1)
def has_bridge_meta() -> bool:
    """Whether the kernel can tell from which bridge a frame comes (NFT_BRIDGE_META); nothing is loaded."""
    words = ['nft', '--check', '--file', '-']
    ran = subprocess.run(words, input=_BY_BRIDGE, capture_output=True, text=True, check=False)
    return ran.returncode == 0
