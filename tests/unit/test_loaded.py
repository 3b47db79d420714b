# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The digest of a listing of nft(8) covers our tables completely, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._local.network import loaded

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


def test_the_revision_is_parsed() -> None:
    """With the number of changes of the record, unless it is from another record."""
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
def test_irrelevant_differences(listing: str) -> None:
    """Foreign tables, and elements of sets that the kernel fills."""
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
def test_relevant_differences(listing: str) -> None:
    """A missing, altered or additional table, set, element, rule or chain."""
    assert listing != WHOLE
    assert loaded.parse_listing(listing) != loaded.parse_listing(WHOLE)


@pytest.mark.parametrize(
    ('listing', 'found'),
    [
        (WHOLE, False),
        (OTHER + WHOLE, False),
        (OTHER.replace('\t\taccept', '\t\ttype filter hook input priority 0;') + WHOLE, True),
        (WHOLE + INET.replace('inet', 'ip') % '', True),
    ],
    ids=['ours', 'no base chain', 'base chain', 'same name'],
)
def test_other_firewalls(
    listing: str, found: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They have a base chain, or a table of iptables-legacy, which nft does not list."""
    tables = tmp_path / 'ip_tables_names'
    monkeypatch.setattr(loaded, '_LEGACY_TABLES', str(tables))
    assert loaded.has_others(listing) == found
    tables.write_text('nat\nfilter\n')
    assert loaded.has_others(listing)


def test_the_saved_state() -> None:
    """It is parsed as written; an incomplete or empty file is nothing."""
    saved = loaded.SavedState(loaded.parse_listing(WHOLE), loaded.digest('the file'))
    assert loaded.parse(saved.text()) == saved
    assert loaded.parse(saved.text()[:40]) == loaded.parse('') == loaded.NOTHING
