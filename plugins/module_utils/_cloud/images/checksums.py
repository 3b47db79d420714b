# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksum files, as sha256sum(1) writes them and distributions publish them."""

from __future__ import annotations

import re
from typing import Sequence, Set

from ..._model.image import DIGITS
from .. import Invalid
from . import downloads

_GNU = re.compile(r'\\?([0-9A-Fa-f]+) [ *](.+)')
_BSD = re.compile(r'([A-Z0-9]+) \((.+)\) = ([0-9A-Fa-f]+)')


def resolve(checksum: str, source: str, seconds: float) -> str:
    """A checksum as kind:digest; one that names the URL of a checksum file is looked up there.

    ``source``: path:... or url:..., whose last part is the file name to look up. Raises CloudError.
    """
    kind, _colon, url = checksum.partition(':')
    if '/' not in url:
        return checksum
    name = source.rpartition('/')[2]
    found = digests(downloads.checksum_file(url, f'checksum: {url}', seconds), kind, name)
    if len(found) == 1:
        return f'{kind}:{found.pop()}'
    count = 'has no' if not found else 'has more than one'
    raise Invalid(
        f'checksum: {url} {count} {kind} for {name}; set the digest itself',
        'checksum',
    )


def digests(text: str, kind: str, name: str) -> Set[str]:
    """The digests in a checksum file for a file name; the only one if it holds nothing else."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = (
        {lines[0]}
        if len(lines) == 1 and re.fullmatch('[0-9A-Fa-f]+', lines[0])
        else _digests_of(name, lines, kind)
    )
    return {digest.lower() for digest in found if len(digest) == DIGITS[kind]}


def _digests_of(name: str, lines: Sequence[str], kind: str) -> Set[str]:
    entries = {entry for line in lines for entry in _entries(line, kind)}
    return {digest for digest, path in entries if path.rpartition('/')[2] == name}


def _entries(line: str, kind: str) -> Set[tuple[str, str]]:
    """The digest and path of a line, if it has the GNU or the BSD format."""
    gnu = _GNU.fullmatch(line)
    bsd = _BSD.fullmatch(line)
    if gnu:
        return {(gnu.group(1), gnu.group(2))}
    if bsd and bsd.group(1).lower() == kind:
        return {(bsd.group(3), bsd.group(2))}
    return set()
