# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validation of public SSH keys in the one-line form of OpenSSH.

Encoding of fields: RFC 4251, section 5. Keys: RFC 4253, section 6.6 (RSA), RFC 5656, section 3.1
(ECDSA), RFC 8709, section 4 (Ed25519), PROTOCOL.u2f of OpenSSH (sk-).
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Callable, Dict, List, Mapping, Tuple

from .problem import Problem, invalid

Check = Callable[[bytes], bool]
_MIN_RSA, _MAX_RSA = 1024, 16384  # bits that OpenSSH accepts
_CERTIFICATE = '-cert-v01@openssh.com'
# The first lines of other formats, and how ssh-keygen converts those.
_PEM = (
    ('BEGIN SSH2 PUBLIC KEY', 'ssh-keygen -i -f FILE'),
    ('BEGIN RSA PUBLIC KEY', 'ssh-keygen -i -m PEM -f FILE'),
    ('BEGIN PUBLIC KEY', 'ssh-keygen -i -m PKCS8 -f FILE'),
)


def _is_text(blob: bytes) -> bool:
    return 0 < len(blob) < 256


def _is_number(lowest: int, highest: int) -> Check:
    """A check for a positive mpint of so many bits."""

    def check(blob: bytes) -> bool:
        bits = int.from_bytes(blob, 'big').bit_length()
        return bool(blob) and blob[0] < 0x80 and lowest <= bits <= highest

    return check


def _is_sized(size: int) -> Check:
    return lambda blob: len(blob) == size


def _is_point(curve: str) -> Check:
    """A check for a point on a curve."""

    def check(blob: bytes) -> bool:
        from .curves import is_on_curve

        return is_on_curve(blob, curve)

    return check


def _is_curve(name: str) -> Check:
    return lambda blob: blob == name.encode()


_FIELDS: Dict[str, Mapping[str, Check]] = {
    'ssh-ed25519': {'key': _is_sized(32)},
    'ssh-rsa': {'exponent': _is_number(2, _MAX_RSA), 'modulus': _is_number(_MIN_RSA, _MAX_RSA)},
    'ecdsa-sha2-nistp256': {'curve': _is_curve('nistp256'), 'point': _is_point('nistp256')},
    'ecdsa-sha2-nistp384': {'curve': _is_curve('nistp384'), 'point': _is_point('nistp384')},
    'ecdsa-sha2-nistp521': {'curve': _is_curve('nistp521'), 'point': _is_point('nistp521')},
    'sk-ssh-ed25519@openssh.com': {'key': _is_sized(32), 'application': _is_text},
    'sk-ecdsa-sha2-nistp256@openssh.com': {
        'curve': _is_curve('nistp256'),
        'point': _is_point('nistp256'),
        'application': _is_text,
    },
}
TYPES = tuple(_FIELDS)
_KEY = re.compile(r'(?:^|[\s,])(?:' + '|'.join(map(re.escape, TYPES)) + r')\s+AAAA', re.MULTILINE)


def normalized_key(text: str) -> str:
    """A public key with single spaces between its parts, as every program accepts it."""
    return ' '.join(text.replace('\t', ' ').split(None, 2)).strip()


def is_private(text: str) -> bool:
    """Whether a text contains a private key (RFC 7468, section 10; OpenSSH and PuTTY similarly)."""
    return 'PRIVATE KEY' in text or 'PuTTY-User-Key-File' in text


def public_key_problems(text: str, option: str = 'public_key') -> List[Problem]:
    """Check a public key in the one-line form of OpenSSH."""
    problem = _form_problem(text) or _blob_problem(text)
    return [invalid(option, problem)] if problem else []


def _form_problem(text: str) -> str:
    """Why a text is not one line of OpenSSH; empty: it is."""
    if is_private(text):
        return 'this is a private key; use the public key (the file that ends in .pub)'
    if text.startswith('\ufeff'):
        return (
            'it begins with a byte order mark, which sshd does not accept; save it as UTF-8 '
            'without one'
        )
    if not text.strip():
        return 'it is empty; specify one line: the type, the key and optionally a comment'
    return _pem_problem(text) or _lines_problem(text.strip()) or _words_problem(text.strip())


def _pem_problem(text: str) -> str:
    for begin, command in _PEM:
        if begin in text:
            return f'this is not the one-line form of OpenSSH ({begin}); convert it: {command}'
    if 'BEGIN CERTIFICATE' in text:
        return 'this is an X.509 certificate; use a public SSH key (a file that ends in .pub)'
    return ''


def _lines_problem(text: str) -> str:
    keys = len(_KEY.findall(text))
    if keys > 1:
        return f'it contains {keys} keys; create a key pair for each'
    if len(text.splitlines()) > 1:
        return 'it spans several lines; write the type, the key and the comment on one line'
    if not text.replace('\t', ' ').isprintable():
        return 'it contains characters that are not printable; copy it again'
    return ''


def _words_problem(text: str) -> str:
    words = text.split(None, 2)
    if words[0].endswith(_CERTIFICATE):
        return (
            f'this is a certificate ({words[0]}); use the public key that it certifies (the file '
            'without -cert)'
        )
    if words[0] not in TYPES and _KEY.search(text):
        return (
            'it has options before the type, which are not stored; use the line from '
            f'{_type_in(text)} on'
        )
    if words[0].startswith('AAAA'):
        return (
            'the type is missing; use the complete line, which begins with the type '
            '(ssh-ed25519, ...)'
        )
    if words[0] not in TYPES:
        return f'{words[0][:64]} is not a supported type of key; use one of {", ".join(TYPES)}'
    return '' if len(words) > 1 else f'nothing follows {words[0]}; use the complete line'


def _type_in(text: str) -> str:
    return next(word for word in re.split(r'[\s,]+', text) if word in TYPES)


def _blob_problem(text: str) -> str:
    kind, word = text.split(None, 2)[:2]
    try:
        blob = base64.b64decode(word, validate=True)
    except binascii.Error:
        blob = b''
    if base64.b64encode(blob).decode() != word:
        return 'the key after the type is not base64, or is truncated; copy the complete line again'
    found, rest = _fields(blob)
    if found[:1] and found[0] != kind.encode():
        inside = found[0].decode(errors='replace')
        actual = inside if inside in TYPES else 'of another type'
        return f'the type is {kind}, but the key itself is {actual}; copy the complete line again'
    return _field_problem(kind, found, rest)


def _field_problem(kind: str, found: List[bytes], rest: bytes) -> str:
    checks = _FIELDS[kind]
    if len(found) <= len(checks):
        return f'the {kind} key is truncated, or split by a space; copy the complete line again'
    if len(found) > len(checks) + 1 or rest:
        return f'extra data follows the {kind} key; copy the line again'
    for (name, is_right), value in zip(checks.items(), found[1:]):
        if not is_right(value):
            return (
                f'OpenSSH does not accept the {name} of the {kind} key; copy the line again, or '
                'generate another key'
            )
    return ''


def _fields(blob: bytes) -> Tuple[List[bytes], bytes]:
    """The strings of a blob, and the rest that is not a string."""
    found: List[bytes] = []
    while len(blob) >= 4:
        (length,) = struct.unpack('>I', blob[:4])
        if length > len(blob) - 4:
            break
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found, blob
