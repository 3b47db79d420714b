# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of checksums, as sha256sum(1) writes them and distributions publish them: the digits of one file."""

from __future__ import annotations

import re
from typing import Set

from .._cloud import CloudError
from .._model.image import DIGITS
from . import downloads

_GNU = re.compile(r'\\?([0-9A-Fa-f]+) [ *](.+)')
_BSD = re.compile(r'([A-Z0-9]+) \((.+)\) = ([0-9A-Fa-f]+)')


def resolve(checksum: str, source: str, seconds: float) -> str:
    """A checksum as kind and digits; where it names the address of a file of checksums, that is fetched.

    source: path:... or url:..., whose last part is the name of the file there. Raises CloudError.
    """
    kind, _colon, where = checksum.partition(':')
    if '/' not in where:
        return checksum
    name = source.rpartition('/')[2]
    found = digests(downloads.sums(where, f'checksum: {where}', seconds), kind, name)
    if len(found) == 1:
        return f'{kind}:{found.pop()}'
    many = 'has no' if not found else 'has more than one'
    raise CloudError(f'checksum: {where} {many} {kind} for {name}; give the digits themselves')


def digests(text: str, kind: str, name: str) -> Set[str]:
    """What a file of checksums says of a file; of one that holds nothing but digits, those."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and re.fullmatch('[0-9A-Fa-f]+', lines[0]):
        found = {lines[0]}
    else:
        found = {
            digits
            for line in lines
            for digits, of in _entries(line, kind)
            if of.rpartition('/')[2] == name
        }
    return {digits.lower() for digits in found if len(digits) == DIGITS[kind]}


def _entries(line: str, kind: str) -> Set[tuple[str, str]]:
    gnu, bsd = _GNU.fullmatch(line), _BSD.fullmatch(line)
    if gnu:
        return {(gnu.group(1), gnu.group(2))}
    if bsd and bsd.group(1).lower() == kind:
        return {(bsd.group(3), bsd.group(2))}
    return set()
