# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The _info modules: what their modules return, by name, by labels, by an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS

from .promises import Result, Run

KINDS_WITH_LABELS: dict[str, dict[str, Any]] = {
    'flavor': {'vcpus': 1, 'memory': 64, 'disk': 1},
    'init_script': {'content': '#!/bin/sh\n'},
    'network': {},
    'port': {},
    'security_group': {'rules': [{'preset': 'ssh'}]},
    'volume': {'size': 1},
    'floating_ip': {},
}


def test_info_modules(run: Run, keep: Callable[..., Result]) -> None:
    """Of every kind with labels."""
    for kind, options in KINDS_WITH_LABELS.items():
        labels = {'round': 1, 'mine': True}
        created = keep(kind, name='shown', labels=labels, **options)[kind]
        info, plural = f'{kind}_info', KINDS[kind].plural
        assert run(info, name='shown')[plural] == [created], kind
        assert run(info, labels=labels)[plural] == [created], kind
        assert run(info, labels={'round': 2})[plural] == [], kind
        assert run(info, query="[?name == 'shown'].labels.mine")[plural] == ['true'], kind
        assert 'is not a JMESPath expression' in run(info, query='[?')['msg']
    assert 'does not match the result' in run('volume_info', query='[?abs(name) > `1`]')['msg']
    for kind in ('keypair', 'lb', 'image'):
        assert run(f'{kind}_info', name='nobody')[KINDS[kind].plural] == []
    for kind in reversed(KINDS_WITH_LABELS):
        keep(kind, name='shown', state='absent')


def test_servers(run: Run, server: Callable[..., Result]) -> None:
    """By name, by labels and by an expression."""
    server('found', labels={'stage': 'test', 'number': '1'})
    server('other', labels={'stage': 'live'})
    assert [one['name'] for one in run('server_info', name='found')['servers']] == ['found']
    found = run('server_info', labels={'stage': 'test'})['servers']
    assert [one['name'] for one in found] == ['found']
    assert run('server_info', query="[?labels.stage == 'live'].name")['servers'] == ['other']
    assert run('server_info', name='none')['servers'] == []
