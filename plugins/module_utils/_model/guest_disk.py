# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a disk a guest uses: partition and file system, as its agent reports them (untrusted)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Tuple

MBR_GB = 2048  # what a partition table of the type MBR can address
_GB = 2**30
_SECTOR = 512
_SLACK = 16 * 2**20  # bytes that partitions and file systems may leave: less than any extension
_MOST_LINES = 300
_BTRFS_NUMBERS = 2  # of a file system on one device: its id and its size
_NUMBER = r'([0-9]{1,19})'
_NAME = '([sv]d[a-z]{1,2}[0-9]{0,3})'
_LINES = {
    'disk': re.compile(f'{_NAME} {_NUMBER}'),
    'table': re.compile('([0-9a-f]{2}) ([0-9a-f]{4})'),
    'used': re.compile(_NUMBER),
    'part': re.compile(f'{_NAME} {_NUMBER} {_NUMBER} {_NUMBER}'),
    'holder': re.compile(_NAME),
    'mount': re.compile(f'{_NAME} ([a-z0-9_.-]{{1,32}})'),
    'size': re.compile(f'{_NAME}((?: [0-9]{{1,19}}){{0,8}})'),
    'tool': re.compile('([a-z0-9_]{1,32})'),
}
# The program that grows a mounted file system, and the package that has it.
_GROWERS = {
    **dict.fromkeys(('ext2', 'ext3', 'ext4'), ('resize2fs', 'e2fsprogs')),
    'xfs': ('xfs_growfs', 'xfsprogs'),
    'btrfs': ('btrfs', 'btrfs-progs'),
}


@dataclass(frozen=True)
class GuestDisk:
    """Whether partition and file system of a disk fill it.

    ``refused``: why they cannot be grown; empty: they can. ``has_mbr``: it has partitions in a
    table that ends at MBR_GB. The others: what is grown, for the program that does it; ``number``:
    that of the partition, empty if none is to grow.
    """

    filled: bool = False
    refused: str = ''
    has_mbr: bool = False
    disk: str = ''
    number: str = ''
    device: str = ''
    type: str = ''


NO_ANSWER = GuestDisk(
    refused='its guest agent does not answer; wait until the guest has started (wait_for: init), '
    'or install the package qemu-guest-agent there'
)
NO_PROGRAMS = GuestDisk(
    refused='its guest agent runs no programs; allow guest-exec in its settings (BLACKLIST_RPC or '
    '--allow-rpcs in /etc/sysconfig/qemu-ga), or grow it in the guest'
)
NONSENSE = GuestDisk(refused='its guest agent gives no valid answer; grow it in the guest')


class _Part(NamedTuple):
    name: str
    number: int
    start: int
    size: int


@dataclass
class _Report:
    """The lines of a report, by their first words."""

    disk: str = ''
    sectors: int = 0
    is_gpt: bool = False
    is_blank: bool = False
    parts: List[_Part] = field(default_factory=list)
    holders: List[str] = field(default_factory=list)
    mounts: Dict[str, str] = field(default_factory=dict)
    sizes: Dict[str, Tuple[int, ...]] = field(default_factory=dict)
    tools: List[str] = field(default_factory=list)


def guest_disk(text: str, size: int) -> GuestDisk:
    """Judge the report of a guest on a disk. ``size``: that of the disk in GB."""
    report = _parsed(text)
    if report is None:
        return NONSENSE
    if not report.disk:
        return GuestDisk(refused='the guest does not see the disk; restart it (state: restarted)')
    if not report.parts and report.is_blank:
        return GuestDisk(filled=True)
    last = max(report.parts, key=lambda part: part.start, default=None)
    device = last.name if last else report.disk
    refused = _refused(report, last, device)
    if refused:
        return GuestDisk(refused=refused)
    return _judged(report, last, device, size)


def _judged(report: _Report, last: _Part | None, device: str, size: int) -> GuestDisk:
    kind = report.mounts[device]
    room = max(report.sectors * _SECTOR, size * _GB)
    end = (last.start + last.size) * _SECTOR if last else room
    grows_part = last is not None and room - end >= _SLACK
    length = last.size * _SECTOR if last else room
    used = _bytes(kind, report.sizes.get(device, ()))
    return GuestDisk(
        filled=not grows_part and used is not None and length - used < _SLACK,
        refused='' if used is not None else _unknown_size(kind, device),
        has_mbr=last is not None and not report.is_gpt,
        disk=report.disk,
        number=str(last.number) if last and grows_part else '',
        device=device,
        type=kind,
    )


def _unknown_size(kind: str, device: str) -> str:
    if kind == 'btrfs':
        return f'the file system on {device} is not a btrfs on one device; grow it in the guest'
    return f'the size of the file system on {device} cannot be read; grow it in the guest'


def _refused(report: _Report, last: _Part | None, device: str) -> str:
    """Why what is on a disk cannot be grown; empty: it can, as far as its table allows."""
    if device in report.holders:
        return (
            f'{device} belongs to LVM, a RAID or encryption, which this does not grow; grow it in '
            'the guest'
        )
    kind = report.mounts.get(device)
    if kind is None:
        return _unmounted(report, device)
    if kind not in _GROWERS:
        names = ', '.join(_GROWERS)
        return f'{device} has the file system {kind}; only {names} are grown'
    tool, package = _GROWERS[kind]
    if tool not in report.tools:
        return f'the guest has no {tool}; install the package {package} there'
    if last and not report.is_gpt and last.number > 4:
        return f'{device} is a logical partition, which this does not grow; grow it in the guest'
    if last and not {'growpart', 'sfdisk'} & set(report.tools):
        return (
            'the guest has neither growpart nor sfdisk; install the package cloud-guest-utils '
            '(cloud-utils-growpart) there'
        )
    return ''


def _unmounted(report: _Report, device: str) -> str:
    others = [part.name for part in report.parts if part.name in report.mounts]
    if others:
        return (
            f'{others[0]} is mounted, but {device} is behind it on the disk, and only the last '
            'partition can grow'
        )
    return f'{device} is not mounted in the guest; mount it there first'


def _bytes(kind: str, numbers: Tuple[int, ...]) -> int | None:
    """The size of a file system, from the numbers that were read for it."""
    if kind.startswith('ext') and len(numbers) == 3:
        low, exponent, high = numbers
        blocks = low + (high << 32)
        return blocks << (10 + exponent) if exponent < 7 else None
    if kind == 'xfs' and len(numbers) == 2:
        return numbers[0] * numbers[1]
    if kind == 'btrfs' and len(numbers) == _BTRFS_NUMBERS:
        return numbers[1]
    return None


def _parsed(text: str) -> _Report | None:
    """Parse a report; None if a line is of another form."""
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        return None
    report = _Report()
    for line in lines:
        word, _space, rest = line.partition(' ')
        match = word in _LINES and _LINES[word].fullmatch(rest.rstrip())
        if not match:
            return None
        _read(report, word, match.groups())
    return report


def _read(report: _Report, word: str, values: Tuple[str, ...]) -> None:
    """Read one line, whose values have the right form."""
    if word == 'disk':
        report.disk, report.sectors = values[0], int(values[1])
    elif word == 'table':
        report.is_gpt = values == ('ee', '55aa')
    elif word == 'used':
        report.is_blank = values == ('0',)
    elif word == 'part':
        report.parts.append(_Part(values[0], *map(int, values[1:])))
    elif word == 'mount':
        report.mounts.setdefault(*values)
    elif word == 'size':
        report.sizes[values[0]] = tuple(map(int, values[1].split()))
    else:
        {'holder': report.holders, 'tool': report.tools}[word].append(values[0])
