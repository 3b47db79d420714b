# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of guests: valid ones are parsed, others ignored, and text is harmless on a terminal."""

from __future__ import annotations

import base64
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._local.host.agent import Agent
from ansible_collections.hanok.cloud.plugins.module_utils._model import first_boot, guest

_KEYS = st.sampled_from(
    [
        'return',
        'error',
        'buf-b64',
        'position',
        'name',
        'disk',
        'dev',
        'hardware-address',
        'ip-addresses',
        'ip-address',
        'v1',
        'errors',
        'recoverable_errors',
        'ERROR',
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)
READERS = (
    guest.parse_number,
    guest.parse_position,
    guest.parse_content,
    guest.parse_addresses,
    guest.parse_mounted_disks,
)
ESCAPE = '\x1b[2J\x1b]0;owned\x07\u202e\ud800'


class Domain:
    """A machine whose agent returns these answers in turn."""

    def __init__(self, *answers: str) -> None:
        """Set the answers."""
        self.answers, self.requested = list(answers), 0

    def agentSetResponseTimeout(self, seconds: int, flags: int) -> None:
        """Nothing to do."""


def agent(monkeypatch: pytest.MonkeyPatch, domain: Domain, seconds: float = 5) -> Agent:
    """Return an agent for a domain, without libvirt."""

    class Wrong(Exception):
        """What libvirt raises."""

    def command(which: Domain, text: str, timeout: int, flags: int) -> str:
        which.requested += 1
        if not which.answers:
            raise Wrong
        return which.answers.pop(0)

    monkeypatch.setitem(__import__('sys').modules, 'libvirt', SimpleNamespace(libvirtError=Wrong))
    monkeypatch.setitem(
        __import__('sys').modules, 'libvirt_qemu', SimpleNamespace(qemuAgentCommand=command)
    )
    return Agent(domain, time.monotonic() + seconds)


def answer_text(value: Any) -> str:
    """An answer of an agent."""
    return json.dumps({'return': value})


def test_valid_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a file, addresses and mounted disks are read."""
    text = {'count': 4, 'eof': True, 'buf-b64': base64.b64encode(b'DATA').decode()}
    domain = Domain(
        answer_text(1000),
        answer_text({'position': 4, 'eof': False}),
        answer_text({'position': 0}),
        answer_text(text),
        answer_text({}),
    )
    assert agent(monkeypatch, domain).file('/x') == b'DATA'
    interfaces = [
        {
            'name': 'eth0',
            'hardware-address': 'm',
            'ip-addresses': [{'ip-address': '10.0.0.2', 'prefix': 24}],
        },
        {'name': 'lo'},
    ]
    assert agent(monkeypatch, Domain(answer_text(interfaces))).addresses() == {'m': {'10.0.0.2'}}
    systems = [
        {'name': 'vda1', 'disk': [{'dev': '/dev/vdb'}]},
        {'name': 'dm-0', 'disk': [{'dev': '/dev/vdab3'}]},
        {'name': '../../etc/passwd'},
    ]
    assert guest.parse_mounted_disks(systems) == ('vda', 'vdab', 'vdb')


@pytest.mark.parametrize(
    'answer',
    [
        '{"return": {}}',
        '[]',
        '7',
        'null',
        '',
        '{"return": [[]]}',
        '{"return": true}',
        '[' * 100_000,
        '{"return": -1}',
    ],
)
def test_invalid_answers(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Invalid answers that were tried on real machines are ignored."""
    assert agent(monkeypatch, Domain(*[answer] * 9)).file('/x') is None
    assert agent(monkeypatch, Domain(*[answer] * 9)).addresses() is None
    assert agent(monkeypatch, Domain(*[answer] * 9)).mounted_serials() is None


@given(JSON)
def test_any_answer(value: Any) -> None:
    """Any answer of an agent is parsed or ignored."""
    for reader in READERS:
        reader(guest.parse_answer(answer_text(value)))
        reader(value)
    boot = first_boot.from_result(json.dumps(value).encode(), b'')
    assert boot is None or boot.state in (first_boot.DONE, first_boot.FAILED)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    """A result and a console may contain any bytes."""
    first_boot.from_result(raw, raw)
    assert first_boot.from_console(raw).state == first_boot.RUNNING
    assert guest.parse_answer(raw.decode('latin-1')) is None or b'return' in raw


def test_silent_agent_is_queried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout it is not queried again; nor is any agent after the deadline."""
    clock = [0.0]
    monkeypatch.setattr(time, 'monotonic', lambda: clock[0])
    domain = Domain()
    asking = agent(monkeypatch, domain, 60)
    domain.agentSetResponseTimeout = lambda seconds, _flags: clock.__setitem__(
        0, clock[0] + seconds
    )  # type: ignore[method-assign]
    assert asking.mounted_serials() is None
    assert asking.addresses() is None
    assert domain.requested == 1
    late = agent(monkeypatch, domain, 0)
    assert late.addresses() is None
    assert domain.requested == 1


def test_undecodable_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """libvirt-python does not raise its own error for it."""
    domain = Domain()
    asking = agent(monkeypatch, domain)

    def undecodable(*_words: object) -> str:
        raise SystemError

    domain.agentSetResponseTimeout = undecodable  # type: ignore[assignment,method-assign]
    assert asking.addresses() is None


def test_too_many_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with more disks than a server can have is ignored."""
    names = [{'name': f'vd{letter}{other}'} for letter in 'abc' for other in 'abcdefghij']
    domain = Domain(answer_text(names))
    assert agent(monkeypatch, domain).mounted_serials() is None
    assert domain.requested == 1


@given(st.text() | st.binary())
def test_printable(text: str | bytes) -> None:
    """It contains no control sequences, and its length is limited after decoding."""
    shown = guest.printable(text, 50)
    assert len(shown) <= 50
    assert all(character == '\n' or character.isprintable() for character in shown)
    shown.encode()


def test_printable_text_is_kept() -> None:
    """Printable text is kept; all kinds of line breaks become newlines."""
    assert guest.printable('안녕 é\r\nb\rc\td') == '안녕 é\nb\nc d'
    assert guest.printable(ESCAPE) == '\ufffd\ufffd'
    assert guest.printable('\x1b[0;32m  OK  \x1b[0m \x1b(Bon') == '  OK   on'
    assert guest.printable('\x1b\x1b[0m[2J \x1b]0;open') == '\ufffd[2J \ufffd]0;open'
    assert guest.printable(b'\xff' * 100, 10) == '\ufffd' * 10


def test_failure() -> None:
    """One line for each error, and the end of the output behind a prefix, all of limited length."""
    errors = [ESCAPE + '\nok: [localhost]', 'x' * 700_000, *map(str, range(100))]
    boot = first_boot.from_result(
        json.dumps({'v1': {'errors': errors}}).encode(), b'fatal: [other]: FAILED!\n' * 5000
    )
    assert boot is not None
    text = boot.failure()
    assert '\x1b' not in text
    assert len(text) < 12_000
    first, *rest = text.split('\n')
    assert first.startswith('its first boot failed: \ufffd\ufffd ok: [localhost]; xxx')
    assert 'ok: [localhost]' in first
    assert rest
    assert all(line.startswith('| ') for line in rest)


def test_errors_of_every_kind() -> None:
    """Recoverable errors and those only printed count; deprecations do not."""

    def state(result: object, output: bytes = b'') -> str | None:
        boot = first_boot.from_result(json.dumps({'v1': result}).encode(), output)
        return boot and boot.state

    assert state({'errors': []}, b'Cloud-init v. 22.4.2 finished at x\n') == first_boot.DONE
    assert state({'errors': 'none'}) is None
    source = 'DataSourceNoCloud [seed=/dev/sr0][dsmode=net]'
    assert state({'errors': [], 'datasource': source}) == first_boot.DONE
    assert state({'errors': [], 'datasource': 'DataSourceNone'}) == first_boot.FAILED
    assert state({'errors': [], 'recoverable_errors': {}}) == first_boot.DONE
    assert (
        state({'errors': [], 'recoverable_errors': {'DEPRECATED': ['chpasswd']}}) == first_boot.DONE
    )
    for level in ('WARNING', 'ERROR', 'CRITICAL'):
        assert (
            state(
                {
                    'errors': [],
                    'recoverable_errors': {level: ['Failed at merging in cloud config part']},
                }
            )
            == first_boot.FAILED
        )
    ignored = (
        b'2026-01-01 10:00:00,123 - util.py[WARNING]: Failed loading yaml blob. Invalid format at '
        b'line 2 column 1\n'
    )
    assert state({'errors': []}, ignored) == first_boot.FAILED
    assert state({'errors': []}, b'echo ' + ignored) == first_boot.DONE


@pytest.mark.parametrize(
    ('console', 'state'),
    [
        ('Cloud-init v. tiny finished at Thu\n', first_boot.DONE),
        (
            'noise\n[   20.123456] cloud-init[401]: Cloud-init v. 22.4.2 finished at Thu\n',
            first_boot.DONE,
        ),
        ('$ echo Cloud-init v. 1 finished at Thu\n', first_boot.RUNNING),
        (
            '[   19.1] cloud-init[401]: 2026-01-01 10:00:00,123 - cc_scripts_user.py[WARNING]: '
            'Failed to run module scripts-user (scripts)\n'
            '[   20.1] cloud-init[401]: Cloud-init v. 22.4.2 finished at Thu\n',
            first_boot.FAILED,
        ),
        ('they say: Failed to run module x\nCloud-init v. tiny finished at Thu\n', first_boot.DONE),
    ],
)
def test_markers_begin_a_line(console: str, state: str) -> None:
    """Elsewhere in a line a marker is only quoted."""
    assert first_boot.from_console(console.encode()).state == state
