# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a listing of nft(8) comes to: all of our tables counts, nothing else does."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local import loaded

FILLED = """\tset seen {
\t\ttype ipv4_addr
\t\tflags dynamic,timeout
\t\ttimeout 1h
\t\telements = { 192.0.2.1,
\t\t\t     192.0.2.2 }
\t}
"""
INET = """table inet hanok {
\tchain rev_0123456789ab_7 {
\t}
\tset bridges {
\t\ttype ifname
\t\telements = { "hk1" }
\t}
%s\tchain forward {
\t\ttype filter hook forward priority filter; policy accept;
\t\tiifname @bridges drop
\t}
}
"""
BRIDGE = """table bridge hanok {
\tchain prerouting {
\t\ttype filter hook prerouting priority -400; policy accept;
\t\tdrop
\t}
}
"""
OTHER = """table inet filter {
\tchain input {
\t\taccept
\t}
}
"""
WHOLE = INET % FILLED + BRIDGE


def test_what_is_named() -> None:
    """The revision, and how often the record was changed; of another record that says nothing."""
    found = loaded.parse_listing(WHOLE)
    assert found.revision == '0123456789ab_7'
    assert found.number('0123456789ab') == 7
    assert found.number('ba9876543210') == -1
    assert loaded.parse_listing('').number('0123456789ab') == -1


@pytest.mark.parametrize(
    'listing',
    [
        OTHER + INET % FILLED + OTHER.replace('filter', 'more') + BRIDGE,
        WHOLE.replace('192.0.2.1,\n\t\t\t     192.0.2.2', '192.0.2.9'),
        WHOLE.replace('\t\telements = { 192.0.2.1,\n\t\t\t     192.0.2.2 }\n', ''),
    ],
)
def test_what_is_no_difference(listing: str) -> None:
    """Tables of others, and elements of sets that packets fill."""
    assert listing != WHOLE
    assert loaded.parse_listing(listing) == loaded.parse_listing(WHOLE)


@pytest.mark.parametrize(
    'listing',
    [
        INET % FILLED,
        BRIDGE,
        INET % '' + BRIDGE,
        WHOLE.replace('\t\tdrop\n', ''),
        WHOLE.replace('"hk1"', '"hk1", "eth0"'),
        WHOLE.replace('iifname @bridges drop', 'accept'),
        WHOLE.replace('flags dynamic,timeout', 'flags timeout'),
        WHOLE.replace('\tchain forward {', '\tchain more {\n\t}\n\tchain forward {'),
    ],
)
def test_what_is_a_difference(listing: str) -> None:
    """A table, a set, an element, a rule, a chain that is missing, altered or more."""
    assert listing != WHOLE
    assert loaded.parse_listing(listing) != loaded.parse_listing(WHOLE)


def test_what_is_kept() -> None:
    """It is read as it was written; half a file, or an empty one, is nothing."""
    kept = loaded.SavedState(loaded.parse_listing(WHOLE), loaded.digest('the file'))
    assert loaded.parse(kept.text()) == kept
    assert loaded.parse(kept.text()[:40]) == loaded.parse('') == loaded.NOTHING
