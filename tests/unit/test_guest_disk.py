# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports of guests on their disks: what fills a disk, what is grown, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._model.guest_disk import (
    NONSENSE,
    GuestDisk,
    guest_disk,
)

GB = 2**21  # sectors
TOOLS = ('growpart', 'sfdisk', 'resize2fs', 'xfs_growfs', 'btrfs')
EXT4 = f'size vda1 {(10 * 2**30 - 2**20) // 4096} 2 0'


def report(*lines: str, tools: tuple[str, ...] = TOOLS, sectors: int = 10 * GB) -> str:
    """The report of a guest with a GPT, or with the lines that say otherwise."""
    head = [f'tool {tool}' for tool in tools]
    return '\n'.join([*head, f'disk vda {sectors}', 'table ee 55aa', 'used 900', *lines])


PART = f'part vda1 1 2048 {10 * GB - 4096}'
ROOT = (PART, 'mount vda1 ext4', EXT4)


@pytest.mark.parametrize(
    'lines',
    [
        ROOT,
        ('part vda15 15 34 2014', *ROOT),
        ('mount vda ext4', f'size vda {10 * GB // 8} 2 0'),
        (PART, 'mount vda1 xfs', f'size vda1 4096 {10 * GB // 8 - 512}'),
        (PART, 'mount vda1 btrfs', f'size vda1 1 {10 * GB * 512 - 2**21}'),
        ('used 0',),
    ],
)
def test_filled(lines: tuple[str, ...]) -> None:
    """It fills the disk, and would not if that were larger."""
    found = guest_disk(report(*lines), 10)
    assert (found.filled, found.refused) == (True, '')
    if lines != ('used 0',):
        larger = guest_disk(report(*lines), 11)
        assert (larger.filled, larger.refused) == (False, '')


def test_what_grows() -> None:
    """A partition, if the disk has room behind it; or the file system alone."""
    found = guest_disk(report(*ROOT), 20)
    assert (found.disk, found.number, found.device, found.type) == ('vda', '1', 'vda1', 'ext4')
    small = guest_disk(report(PART, 'mount vda1 ext4', 'size vda1 1000 2 0'), 10)
    assert (small.filled, small.number, small.device) == (False, '', 'vda1')


@pytest.mark.parametrize(
    ('lines', 'text'),
    [
        ((), 'vda is not mounted in the guest'),
        ((PART,), 'vda1 is not mounted in the guest'),
        ((*ROOT, f'part vda5 5 {10 * GB} 2048'), 'vda1 is mounted, but vda5 is behind it'),
        ((PART, 'holder vda1'), 'vda1 belongs to LVM'),
        (('holder vda',), 'vda belongs to LVM'),
        ((PART, 'mount vda1 vfat'), 'has the file system vfat; only ext2, ext3, ext4, xfs, btrfs'),
        ((PART, 'mount vda1 ext4', 'size vda1'), 'the size of the file system on vda1'),
        ((PART, 'mount vda1 ext4', 'size vda1 9 99 9'), 'the size of the file system on vda1'),
        ((PART, 'mount vda1 btrfs', 'size vda1 1 9 2 9'), 'is not a btrfs on one device'),
        (
            (f'part vda5 5 2048 {8 * GB}', 'mount vda5 ext4', 'table 83 55aa'),
            'vda5 is a logical partition',
        ),
    ],
)
def test_refused(lines: tuple[str, ...], text: str) -> None:
    """What cannot be grown is named."""
    found = guest_disk(report(*lines), 10)
    assert text in found.refused
    assert not found.filled


@pytest.mark.parametrize(
    ('tools', 'text'),
    [(('growpart',), 'no resize2fs; install the package e2fsprogs'), (('resize2fs',), 'growpart')],
)
def test_without_programs(tools: tuple[str, ...], text: str) -> None:
    """A program that the guest lacks is named with its package."""
    assert text in guest_disk(report(*ROOT, tools=tools), 10).refused


def test_without_a_disk() -> None:
    """A guest that does not see the disk says so."""
    assert 'does not see the disk' in guest_disk('tool sfdisk\n', 1).refused


def test_mbr() -> None:
    """Its end is known from the table, not from a file system on the disk itself."""
    assert guest_disk(report(*ROOT, 'table 83 55aa'), 10).has_mbr
    assert not guest_disk(report(*ROOT), 10).has_mbr


@pytest.mark.parametrize(
    'text',
    [
        'disk vda;reboot 7',
        'disk ../vda 7',
        'part vda1 1 2 -3',
        'mount vda1 a b',
        'tool $(reboot)',
        'size vda1 ' + '9' * 20,
        'other 1',
        '\n'.join(['tool sfdisk'] * 301),
    ],
)
def test_nonsense(text: str) -> None:
    """A line of another form makes the whole report invalid."""
    assert guest_disk(text, 1) == NONSENSE


WORDS = ('disk', 'table', 'used', 'part', 'holder', 'mount', 'size', 'tool')
VALUES = st.sampled_from(
    ['vda', 'vda1', 'vda2', 'sda', '0', '1', '5', '2048', '99999999', 'ext4', 'xfs', 'ee', '55aa']
)
LINES = st.builds(
    lambda word, values: ' '.join([word, *values]),
    st.sampled_from(WORDS),
    st.lists(VALUES, max_size=5),
)


@given(lines=st.lists(LINES, max_size=12) | st.lists(st.text(max_size=20), max_size=5))
def test_any_report(lines: list[str]) -> None:
    """Whatever a guest says is judged, and what is grown has safe names."""
    found = guest_disk('\n'.join([*(f'tool {tool}' for tool in TOOLS), *lines]), 10)
    assert isinstance(found, GuestDisk)
    if not (found.filled or found.refused):
        assert found.disk[:2] in ('vd', 'sd')
        assert found.device[:2] in ('vd', 'sd')
        assert found.number in ('', '1') or found.number.isdecimal()
