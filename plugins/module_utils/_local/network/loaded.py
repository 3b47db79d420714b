# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules are loaded in the kernel, and whether they are the ones that were loaded last.

The listing is hashed after each load and compared with later listings, so that a change of any
table or chain counts. The network hook (roles/host/files/network-hook) does the same in shell.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from functools import lru_cache
from typing import List, NamedTuple, Tuple

from ..._cloud import CloudError

# One process for both tables, and for the chains of the third family that packets of servers pass:
# given two `list table` in one command, nft 1.0.6 fills in only the last one.
_LIST = 'list ruleset inet; list ruleset bridge; list chains ip'
_HEADS = ('table inet hanok {\n', 'table bridge hanok {\n')
_LEGACY_TABLES = '/proc/net/ip_tables_names'
_REVISION = re.compile(r'^\tchain rev_([a-z0-9_]+) \{$', re.MULTILINE)

# The form of the ruleset: a part of the revision, so that rules which another version of the
# collection rendered are loaded again. It is incremented with every change of what `render` returns
# for the same datapath (tests/unit/test_ruleset.py).
FORM = 2

_BRIDGE_META = 'table bridge hanok_probe { chain probed { meta ibrname "hk0" accept; }; }'


class LoadedRules(NamedTuple):
    """The revision of the loaded rules, and a digest of all of them."""

    revision: str
    digest: str

    def number(self, record: str) -> int:
        """The revision number of the record; -1 if it is another record, or another form.

        ``record``: the id of the record with the form.
        """
        name, _underscore, number = self.revision.rpartition('_')
        return int(number) if name == record and number.isdigit() else -1


class SavedState(NamedTuple):
    """The rules as they were loaded last.

    ``source``: a digest of the file they were loaded from. ``outside``: the devices through which
    they let servers reach the outside.
    """

    rules: LoadedRules
    source: str
    outside: Tuple[str, ...] = ()

    def text(self) -> str:
        """One line: revision, digest of the rules, digest of the file, devices."""
        words = (self.rules.revision, self.rules.digest, self.source, *self.outside)
        return ' '.join(words) + '\n'


NOTHING = SavedState(LoadedRules('', ''), '')


def parse(text: str) -> SavedState:
    """Parse a saved state; NOTHING if the text is not one."""
    words = text.split()
    if len(words) < 3:
        return NOTHING
    return SavedState(LoadedRules(words[0], words[1]), words[2], tuple(words[3:]))


def digest(text: str | None) -> str:
    """The SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256((text or '').encode()).hexdigest()


def start_listing() -> subprocess.Popen[str]:
    """Start nft, which lists what is loaded in the kernel."""
    try:
        return subprocess.Popen(  # pylint: disable=ansible-bad-function
            ['nft', '-s', _LIST],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except FileNotFoundError:
        raise CloudError(
            'nft is not installed on this host; the role hanok.cloud.host installs it'
        ) from None


def current() -> LoadedRules:
    """Return the rules that are loaded in the kernel."""
    return parse_listing(start_listing().communicate()[0])


def parse_listing(listing: str) -> LoadedRules:
    """Return the rules in a listing of nft(8)."""
    text = ''.join(_own_lines(listing))
    found = _REVISION.search(text)
    return LoadedRules(found.group(1) if found else '', digest(text))


def has_others(listing: str) -> bool:
    """Whether others have base chains: in a listing of nft(8), or where nft does not list them."""
    if has_legacy_rules():
        return True
    is_own = False
    for line in listing.splitlines(keepends=True):
        if line.startswith('table '):
            is_own = line in _HEADS
        elif not is_own and line.startswith('\t\ttype ') and ' hook ' in line:
            return True
    return False


def has_legacy_rules() -> bool:
    """Whether the kernel has rules of iptables-legacy, which nft does not list."""
    try:
        with open(_LEGACY_TABLES, encoding='ascii') as file:
            return 'filter' in file.read().split()
    except OSError:
        return False


def _own_lines(listing: str) -> List[str]:
    """The lines of our tables, without elements of sets that the kernel fills."""
    lines: List[str] = []
    is_inside = is_dynamic = False
    for line in listing.splitlines(keepends=True):
        is_inside = is_inside or line in _HEADS
        if is_inside and not is_dynamic:
            lines.append(line)
        if line.startswith('\t\tflags ') and 'dynamic' in line:
            is_dynamic = True
        elif line == '\t}\n':
            is_dynamic = False
        is_inside = is_inside and line != '}\n'
    return lines


@lru_cache(maxsize=1)
def has_bridge_meta() -> bool:
    """Whether the kernel can match the bridge of a frame (NFT_BRIDGE_META); loads nothing."""
    from ..._cloud.programs import run

    return run(['nft', '--check', '--file', '-'], _BRIDGE_META).returncode == 0
