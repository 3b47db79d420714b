# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verbs act on what was observed, not on what has its name by now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Gone
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS, Verb

from .clouds import CloudUnderTest
from .promises import Result, Run

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
OPTIONS: dict[str, dict[str, Any]] = {
    'keypair': {'public_key': KEY},
    'flavor': {'vcpus': 1, 'memory': 64, 'disk': 1},
    'init_script': {'content': '#!/bin/sh\n'},
    'image': {},
    'network': {},
    'port': {},
    'security_group': {'rules': [{'preset': 'ssh'}]},
    'floating_ip': {},
    'volume': {'size': 1},
    'server': {'state': 'stopped'},
    'lb': {'listeners': [{'port': 80}]},
}
KEYPAIR = pytest.param('keypair', marks=pytest.mark.needs('ids of key pairs'))
OTHERS = (Verb.CREATE, Verb.DELETE, Verb.LOAD)


@pytest.mark.parametrize('kind', [KEYPAIR, *[kind for kind in OPTIONS if kind != 'keypair']])
def test_created_again(
    kind: str, cloud: CloudUnderTest, run: Run, keep: Callable[..., Result], image: str
) -> None:
    """A run that observed an item does nothing to another one of the same name."""
    options = dict(OPTIONS[kind])
    if kind == 'server':
        options.update(image=image, flavor=cloud.flavor)
    if kind == 'image':
        options['path'] = cloud.image_path
    first = keep(kind, name='same', **options)[kind]
    with cloud.open('default', kind) as opened:
        (observed,) = getattr(opened, KINDS[kind].plural).list(['same'])
    assert observed.id == first['id']
    keep(kind, name='same', state='absent')
    second = keep(kind, name='same', **options)[kind]
    assert second['id'] != first['id']
    with cloud.open('default', kind) as opened, opened.locked(lambda: (None, {(kind, 'same')})):
        items = getattr(opened, KINDS[kind].plural)
        others = OTHERS if 'power off' in cloud.can else (*OTHERS, Verb.POWER_OFF)
        for verb in [verb for verb in Verb if hasattr(items, verb) and verb not in others]:
            change = Change(kind, 'same', verb, observed, replace(observed, description='other'))
            assert [type(outcome.error) for outcome in getattr(items, verb)([change])] == [Gone], (
                verb
            )
        deletion = Change(kind, 'same', Verb.DELETE, observed, None)
        (deleted,) = items.delete([deletion])
        assert isinstance(deleted.error, (Gone, type(None)))
    assert run(f'{kind}_info', name='same')[KINDS[kind].plural] == [second]
    keep(kind, name='same', state='absent')


@pytest.mark.needs('owners of key pairs')
def test_key_pair_of_someone_else(
    keep: Callable[..., Result], run: Run, refused: Callable[..., str]
) -> None:
    """Only who made a key pair changes or deletes it; others use it."""
    mine = {'name': 'mine', 'public_key': KEY}
    keep('keypair', actor='alice', **mine)
    assert not run('keypair', actor='bob', **mine)['changed']
    for options in ({'state': 'absent'}, {'description': 'other'}):
        text = refused('keypair', actor='bob', name='mine', **options)
        assert 'keypair mine belongs to alice; only its owner may change or delete it' in text
    keep('keypair', actor='alice', name='mine', state='absent')
