# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parsers for what a guest sends, which is untrusted.

Root in a guest controls the answers of its agent and the output on its console. Each parser returns
None for an answer of another form. Text must not reach a terminal unfiltered.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Dict, FrozenSet, List, Set, Tuple

MAX_BYTES = 64 * 1024  # read from a file of a guest or from its console
_MAX_ANSWER = 1024 * 1024  # characters of one answer
_MAX_ITEMS = 256  # of a list: more than any server has
_DISK = re.compile(r'([sv]d[a-z]{1,2})[0-9]{0,3}\Z')  # disks and their partitions
_REPLACEMENT = '\ufffd'
# Sequences of terminals (ECMA-48): colours and movements of the cursor (CSI), and titles (OSC).
_SEQUENCE = re.compile(
    r'\x1b(?:\[[0-?]{0,64}[ -/]{0,4}[@-~]|\][^\x00-\x1f]{0,500}(?:\x07|\x1b\\)|[()][0-9AB])'
)


def parse_json(text: object, most: int = _MAX_ANSWER) -> object:
    """Parse a JSON text; None if it is invalid, or longer than an answer may be."""
    if not isinstance(text, str) or len(text) > most:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def parse_answer(text: object, most: int = _MAX_ANSWER) -> object:
    """Return what an agent returned (QEMU guest agent protocol reference), or None."""
    answer = parse_json(text, most)
    if not isinstance(answer, dict):
        return None
    return answer.get('return')


def parse_number(answer: object) -> int | None:
    """Parse a number from 0 on: a file handle, or a position in a file."""
    if isinstance(answer, bool) or not isinstance(answer, int):
        return None
    return answer if 0 <= answer < 2**63 else None


def parse_position(answer: object) -> int | None:
    """Parse the position that guest-file-seek returns."""
    if not isinstance(answer, dict):
        return None
    return parse_number(answer.get('position'))


def parse_content(answer: object, most: int = MAX_BYTES) -> bytes | None:
    """What guest-file-read has read, at most ``most`` bytes of it."""
    encoded = answer.get('buf-b64') if isinstance(answer, dict) else None
    if not isinstance(encoded, str):
        return None
    try:
        return base64.b64decode(encoded, validate=True)[:most]
    except ValueError:
        return None


def parse_addresses(answer: object) -> Dict[str, FrozenSet[str]] | None:
    """Parse the answer to guest-network-get-interfaces: IP addresses by MAC."""
    interfaces = _mappings(answer)
    if interfaces is None:
        return None
    found: Dict[str, FrozenSet[str]] = {}
    for interface in interfaces:
        mac = interface.get('hardware-address')
        if not isinstance(mac, str):
            continue
        items = _mappings(interface.get('ip-addresses', [])) or []
        addresses = [item.get('ip-address') for item in items]
        texts = [address for address in addresses if isinstance(address, str)]
        found[mac] = found.get(mac, frozenset()).union(texts)
    return found


def parse_mounted_disks(answer: object) -> Tuple[str, ...] | None:
    """Parse the answer to guest-get-fsinfo: the disks with mounted file systems."""
    systems = _mappings(answer)
    if systems is None:
        return None
    devices: List[object] = []
    for system in systems:
        devices.append(system.get('name'))
        disks = _mappings(system.get('disk', [])) or []
        devices += [disk.get('dev') for disk in disks]
    found: Set[str] = set()
    for device in devices:
        match = _DISK.match(device.rsplit('/', 1)[-1]) if isinstance(device, str) else None
        if match:
            found.add(match.group(1))
    return tuple(sorted(found))


def _mappings(answer: object) -> List[Dict[str, object]] | None:
    """A list of mappings of bounded length, or None."""
    if not isinstance(answer, list) or len(answer) > _MAX_ITEMS:
        return None
    return answer if all(isinstance(item, dict) for item in answer) else None


def without_sequences(text: str) -> str:
    """A text without what terminals take as commands, as far as it is well formed."""
    return _SEQUENCE.sub('', text)


def printable(text: str | bytes, limit: int = MAX_BYTES) -> str:
    """The end of a text of a guest, at most ``limit`` characters, without control sequences.

    Sequences of terminals are removed. Line breaks stay; every other character that is not
    printable (escape, direction marks, surrogates) is replaced.
    """
    decoded = text.decode(errors='replace') if isinstance(text, bytes) else text
    plain = without_sequences(decoded[-2 * limit :])
    lines = plain.replace('\r\n', '\n').replace('\r', '\n').replace('\t', ' ')
    end = lines[-limit:]
    if end.isprintable():
        return end
    shown: List[str] = []
    for character in end:
        is_shown = character == '\n' or character.isprintable()
        shown.append(character if is_shown else _REPLACEMENT)
    return ''.join(shown)


def printable_line(text: str, limit: int = 500) -> str:
    """The beginning of a text of a guest on one line, at most ``limit`` characters."""
    words = printable(text[:limit], limit).split()
    return ' '.join(words)
