# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a guest says, read as what it is: text of a stranger.

Who is root in a guest answers for its agent and writes on its console. An answer that is not of the
form is no answer: each reader returns None for it. Nothing of it reaches anybody's terminal as it
came.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Dict, FrozenSet, List, Tuple

MAX_BYTES = 64 * 1024  # bytes that are read of a file of a guest, or of its console
_MOST_ANSWER = 1024 * 1024  # characters of one answer that are looked at
_MOST_ITEMS = 256  # of a list: more than any server of ours has
_DISK = re.compile(r'(vd[a-z]{1,2})[0-9]{0,3}\Z')  # virtio disks and their partitions
_REPLACED = '\ufffd'


def parse_json(text: object) -> object:
    """A JSON text; None when it is none, or too long to be one of ours."""
    if not isinstance(text, str) or len(text) > _MOST_ANSWER:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def parse_answer(text: object) -> object:
    """What an agent returns (QEMU guest agent protocol reference); None when it is no answer."""
    answer = parse_json(text)
    return answer.get('return') if isinstance(answer, dict) else None


def parse_number(answer: object) -> int | None:
    """A number from 0 on: a handle of a file, or a position in it."""
    whole = isinstance(answer, int) and not isinstance(answer, bool)
    return answer if isinstance(answer, int) and whole and 0 <= answer < 2**63 else None


def parse_position(answer: object) -> int | None:
    """Where guest-file-seek has come to."""
    return parse_number(answer.get('position')) if isinstance(answer, dict) else None


def parse_content(answer: object) -> bytes | None:
    """What guest-file-read has read, at most MOST bytes of it."""
    encoded = answer.get('buf-b64') if isinstance(answer, dict) else None
    if not isinstance(encoded, str):
        return None
    try:
        return base64.b64decode(encoded, validate=True)[:MAX_BYTES]
    except ValueError:
        return None


def parse_addresses(answer: object) -> Dict[str, FrozenSet[str]] | None:
    """The addresses of each hardware address, by guest-network-get-interfaces."""
    interfaces = _mappings(answer)
    if interfaces is None:
        return None
    found: Dict[str, FrozenSet[str]] = {}
    for interface in interfaces:
        mac = interface.get('hardware-address')
        there = _mappings(interface.get('ip-addresses', [])) or []
        if isinstance(mac, str):
            texts = (item.get('ip-address') for item in there)
            found[mac] = found.get(mac, frozenset()) | frozenset(
                text for text in texts if isinstance(text, str)
            )
    return found


def parse_mounted_disks(answer: object) -> Tuple[str, ...] | None:
    """The names of the virtio disks on which file systems are mounted, by guest-get-fsinfo."""
    systems = _mappings(answer)
    if systems is None:
        return None
    devices = [system.get('name') for system in systems]
    for system in systems:
        devices += [disk.get('dev') for disk in _mappings(system.get('disk', [])) or []]
    plain = [device.rsplit('/', 1)[-1] for device in devices if isinstance(device, str)]
    matches = [match for match in map(_DISK.match, plain) if match]
    return tuple(sorted({match.group(1) for match in matches}))


def _mappings(answer: object) -> List[Dict[str, object]] | None:
    """A list of mappings, not longer than a guest of ours has reason for."""
    if not isinstance(answer, list) or len(answer) > _MOST_ITEMS:
        return None
    return answer if all(isinstance(item, dict) for item in answer) else None


def printable(text: str | bytes, most: int = MAX_BYTES) -> str:
    """The end of a text of a guest as it may be shown: bounded, and without what a terminal would obey.

    Line breaks stay; every other character that is not printable (escape, direction marks, half
    characters) is replaced.
    """
    whole = text.decode(errors='replace') if isinstance(text, bytes) else text
    broken = whole[-2 * most :].replace('\r\n', '\n').replace('\r', '\n').replace('\t', ' ')
    return ''.join(
        character if character == '\n' or character.isprintable() else _REPLACED
        for character in broken[-most:]
    )


def printable_line(text: str, most: int = 500) -> str:
    """The beginning of a text of a guest as one line."""
    return ' '.join(printable(text[:most], most).split())
