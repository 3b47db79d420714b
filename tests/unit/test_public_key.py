# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public keys: ssh-keygen reads those that are accepted, and other forms are reported."""

from __future__ import annotations

import base64
import fcntl
import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import (
    key_files,
    keypair,
)
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._model.public_key import (
    normalized_key,
    public_key_problems,
)

MADE = {
    'ed25519': 256,
    'rsa': 1024,
    'rsa-2048': 2048,
    'ecdsa-256': 256,
    'ecdsa-384': 384,
    'ecdsa-521': 521,
}
KEYS: list[str] = []
HEADER = 40  # bytes of a blob that contain types, lengths and curves


def text(*fields: bytes) -> str:
    """Fields as a blob in base64."""
    return base64.b64encode(
        b''.join(struct.pack('>I', len(field)) + field for field in fields)
    ).decode()


@pytest.fixture(scope='module')
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One key of each type that ssh-keygen generates, and those for hardware tokens."""
    if KEYS:
        return KEYS
    folder = tmp_path_factory.mktemp('keys')
    for name, bits in MADE.items():
        path = folder / name
        subprocess.run(
            [
                'ssh-keygen',
                '-q',
                '-t',
                name.partition('-')[0],
                '-b',
                str(bits),
                '-N',
                '',
                '-C',
                'me at home',
                '-f',
                path,
            ],
            check=True,
        )
        KEYS.append(Path(f'{path}.pub').read_text().strip())
    raw = base64.b64decode(KEYS[0].split()[1])
    ed25519 = 'sk-ssh-ed25519@openssh.com'
    KEYS.append(f'{ed25519} {text(ed25519.encode(), raw[-32:], b"ssh:")} token')
    point = base64.b64decode(KEYS[3].split()[1])[-65:]
    ecdsa = 'sk-ecdsa-sha2-nistp256@openssh.com'
    KEYS.append(f'{ecdsa} {text(ecdsa.encode(), b"nistp256", point, b"ssh:")} token')
    return KEYS


def openssh_reads(key: str) -> bool:
    """Whether ssh-keygen reads a key."""
    return not subprocess.run(
        ['ssh-keygen', '-l', '-f', '-'], input=key, capture_output=True, text=True, check=False
    ).returncode


def test_generated_keys_are_accepted(keys: list[str]) -> None:
    """All types, with and without a comment."""
    for key in keys:
        assert openssh_reads(key)
        assert public_key_problems(key) == []
        assert public_key_problems(' '.join(key.split()[:2])) == []


@given(data=st.data())
def test_openssh_reads_accepted_keys(keys: list[str], data: st.DataObject) -> None:
    """Blobs that are cut, lengthened, or have bytes of their types and lengths changed."""
    kind, word = data.draw(st.sampled_from(keys)).split()[:2]
    blob = base64.b64decode(word)
    place = data.draw(st.integers(0, len(blob)))
    some = data.draw(st.binary(max_size=8))
    near = min(place, HEADER - 1)
    mutated = data.draw(
        st.sampled_from(
            [
                blob[:place],
                blob + some,
                blob[:place] + some + blob[place:],
                blob[:near] + some[:1] + blob[near + 1 :],
                some + blob[place:],
            ]
        )
    )
    key = f'{kind} {base64.b64encode(mutated).decode()}'
    if mutated == blob:
        assert public_key_problems(key) == []
    elif not public_key_problems(key):
        assert openssh_reads(key)


@given(data=st.data())
def test_damaged_keys(keys: list[str], data: st.DataObject) -> None:
    """Truncated keys, keys with extra data, and keys split by a space are refused."""
    kind, word = data.draw(st.sampled_from(keys)).split()[:2]
    place = data.draw(st.integers(0, len(word) - 1))
    garbage = base64.b64encode(
        base64.b64decode(word) + data.draw(st.binary(min_size=1, max_size=64))
    ).decode()
    for wrong in (word[:place], garbage, f'{word[:place]} {word[place:]}'):
        if wrong.strip() != word:
            assert public_key_problems(f'{kind} {wrong}')


def test_messages_for_other_forms(keys: list[str], tmp_path: Path) -> None:
    """The message has a solution."""
    key, rsa = keys[0], keys[2]
    kind, word = key.split()[:2]
    forms = {}
    for form in ('RFC4716', 'PKCS8', 'PEM'):
        (tmp_path / 'key.pub').write_text(rsa)
        forms[form] = subprocess.run(
            ['ssh-keygen', '-e', '-m', form, '-f', tmp_path / 'key.pub'],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    for wrong, told in (
        (
            '\ufeff' + key,
            'it begins with a byte order mark, which sshd does not accept; save it as UTF-8 '
            'without one',
        ),
        ('\n', 'it is empty; specify one line: the type, the key and optionally a comment'),
        (
            forms['RFC4716'],
            'this is not the one-line form of OpenSSH (BEGIN SSH2 PUBLIC KEY); convert it: '
            'ssh-keygen -i -f FILE',
        ),
        (
            forms['PKCS8'],
            'this is not the one-line form of OpenSSH (BEGIN PUBLIC KEY); convert it: ssh-keygen '
            '-i -m PKCS8 -f FILE',
        ),
        (
            forms['PEM'],
            'this is not the one-line form of OpenSSH (BEGIN RSA PUBLIC KEY); convert it: '
            'ssh-keygen -i -m PEM -f FILE',
        ),
        (f'{key}\n{rsa}', 'it contains 2 keys; create a key pair for each'),
        (f'{key} {rsa}', 'it contains 2 keys; create a key pair for each'),
        (
            f'{kind} {word[:20]}\n{word[20:]}',
            'it spans several lines; write the type, the key and the comment on one line',
        ),
        (f'{key}\x07', 'it contains characters that are not printable; copy it again'),
        (
            f'no-pty,command="a b" {key}',
            f'it has options before the type, which are not stored; use the line from {kind} on',
        ),
        (
            'ssh-ed25519-cert-v01@openssh.com AAAA',
            'this is a certificate (ssh-ed25519-cert-v01@openssh.com); use the public key that it '
            'certifies (the file without -cert)',
        ),
        (
            word,
            'the type is missing; use the complete line, which begins with the type (ssh-ed25519, '
            '...)',
        ),
        (
            f'{kind} {word[:-8]}',
            'the ssh-ed25519 key is truncated, or split by a space; copy the complete line again',
        ),
        (
            f'{kind} {word[:-8]} {word[-8:]}',
            'the ssh-ed25519 key is truncated, or split by a space; copy the complete line again',
        ),
        (
            f'{kind} {word}AAAA',
            'extra data follows the ssh-ed25519 key; copy the line again',
        ),
        (
            f'ssh-rsa {word}',
            'the type is ssh-rsa, but the key itself is ssh-ed25519; copy the complete line again',
        ),
    ):
        assert public_key_problems(wrong) == [f'public_key: {told}'], wrong


@pytest.mark.parametrize('number', [3, 4, 5, 7])
def test_a_point_that_is_not_on_its_curve(keys: list[str], number: int) -> None:
    """Of each curve, and of the key of a token: with another bit, or larger than the modulus."""
    kind, word = keys[number].split()[:2]
    blob = base64.b64decode(word)
    at = blob.rindex(b'nistp') + 12  # the curve, and the length of the point
    size = int.from_bytes(blob[at - 4 : at], 'big') // 2
    for changed in (
        blob[: at + size] + bytes([blob[at + size] ^ 1]) + blob[at + size + 1 :],
        blob[: at + 1] + b'\xff' * size + blob[at + size + 1 :],
    ):
        key = f'{kind} {base64.b64encode(changed).decode()}'
        assert not openssh_reads(key)
        assert public_key_problems(key) == [
            f'public_key: OpenSSH does not accept the point of the {kind} key; copy the line '
            'again, or generate another key'
        ]


def test_a_short_rsa_key_is_refused() -> None:
    """OpenSSH accepts none below 1,024 bits."""
    key = f'ssh-rsa {text(b"ssh-rsa", bytes([1, 0, 1]), bytes([0x7F] * 64))}'
    assert not openssh_reads(key)
    assert public_key_problems(key) == [
        'public_key: OpenSSH does not accept the modulus of the ssh-rsa key; copy the line again, '
        'or generate another key'
    ]


def test_normalized_form(keys: list[str]) -> None:
    """Spaces and tabs are normalized (the tiny image cannot parse others); the comment is kept."""
    kind, word = keys[0].split()[:2]
    params = {
        **dict.fromkeys(keypair.ARGUMENTS),
        'name': 'k',
        'state': 'present',
        'wait_timeout': 1,
        'actor': 'me',
    }
    requested = keypair.request({**params, 'public_key': f' {kind}  {word}\tme  at home \n'})
    assert requested.options['public_key'] == f'{kind} {word} me  at home'
    assert requested.problems() == []
    assert normalized_key(f'{kind}\t{word}') == f'{kind} {word}'


def test_private_key_file_mode(keys: list[str], tmp_path: Path) -> None:
    """Ssh-keygen refuses it; the message has its mode and the command to fix it."""
    path = tmp_path / 'a key'
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path], check=True)
    params = {
        **dict.fromkeys(keypair.ARGUMENTS),
        'name': 'k',
        'state': 'present',
        'wait_timeout': 1,
        'actor': 'me',
    }
    path.chmod(0o644)
    with pytest.raises(
        CloudError,
        match='has mode 0644: others may read it, and SSH refuses such a key; chmod 600 ',
    ):
        key_files.existing(
            keypair.request({**params, 'private_key_file': str(path)}).private_key_file or ''
        )
    path.chmod(0o600)
    found = key_files.existing(str(path))
    assert found
    assert found.public_key.split()[0] == 'ssh-ed25519'


def test_a_folder_of_key_files_that_another_run_uses(tmp_path: Path) -> None:
    """A task waits for it no longer than wait_timeout."""
    lock = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with (
            pytest.raises(CloudError, match=r'timed out after 0 s \(wait_timeout\) waiting for'),
            key_files._locked_work_folder(str(tmp_path / 'key'), 0),
        ):
            pass
    finally:
        os.close(lock)


def test_a_key_file_of_another_encoding(tmp_path: Path) -> None:
    """As PowerShell writes it."""
    (tmp_path / 'key.pub').write_text('ssh-ed25519 AAAA', encoding='utf-16')
    params = {
        **dict.fromkeys(keypair.ARGUMENTS),
        'name': 'k',
        'state': 'present',
        'wait_timeout': 1,
        'actor': 'me',
    }
    with pytest.raises(
        CloudError, match=r'is not UTF-8 text; save it as UTF-8, or use the file that ends in .pub'
    ):
        keypair.request({**params, 'public_key_file': str(tmp_path / 'key.pub')})
