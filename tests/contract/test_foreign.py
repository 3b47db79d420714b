# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others created in the cloud: it is shown and referred to, and never taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result, Run

Foreign = Callable[[str, str], str]
Keep = Callable[..., Result]
Refused = Callable[..., str]
Created = Callable[..., Result]
TO_TWICE = {'protocol': 'tcp', 'port': '5432', 'remote': 'group:twice'}


@pytest.fixture
def foreign(cloud: CloudUnderTest) -> Iterator[Foreign]:
    """Create an item of a kind with a name, as another program does; return its id."""
    if cloud.create_foreign is None:
        pytest.skip(f'only tasks create anything in {cloud.name}')
    before = cloud.remains()
    yield cloud.create_foreign
    cloud.clean(before)


def test_names_with_spaces(foreign: Foreign, keep: Keep, server: Created) -> None:
    """Images and networks have such names in clouds that others run."""
    foreign('network', 'Default Network')
    foreign('image', 'Ubuntu 24.04 LTS')
    networks = [{'name': 'Default Network'}]
    created = server('one', image='Ubuntu 24.04 LTS', networks=networks)['server']
    assert created['image'] == 'Ubuntu 24.04 LTS'
    assert [nic['name'] for nic in created['networks']] == ['Default Network']
    port = keep('port', name='two', network='Default Network')['port']
    assert port['network'] == 'Default Network'
    keep('port', name='two', state='absent')


def test_server(
    cloud: CloudUnderTest, foreign: Foreign, keep: Keep, refused: Refused, run: Run, image: str
) -> None:
    """It is no member of a group; a volume is attached to it; it is deleted by its own name."""
    created = foreign('server', 'web-1')
    (shown,) = run('server_info', name='web-1')['servers']
    assert (shown['id'], shown['created_by']) == (created, '')
    options = {'image': image, 'flavor': cloud.flavor, 'state': 'stopped'}
    for count in (1, 2):
        text = refused('server', name='web', count=count, **options)
        assert 'web-1' in text
    assert not keep('server', name='web', count=0, allow_shrink=True)['changed']
    assert not keep('server', name='web-1')['changed']
    keep('volume', name='data', size=1, server='web-1', state='attached')
    assert run('server_info', name='web-1')['servers'][0]['id'] == created
    keep('volume', name='data', state='detached')
    keep('volume', name='data', state='absent')
    keep('server', name='web-1', state='absent')


@pytest.mark.needs('double names')
@pytest.mark.parametrize(
    ('kind', 'module', 'options'),
    [
        ('network', 'server', {'networks': [{'name': 'twice'}]}),
        ('network', 'port', {'network': 'twice'}),
        ('network', 'lb', {'network': 'twice', 'listeners': [{'port': 80}]}),
        ('security_group', 'server', {'security_groups': ['twice']}),
        ('security_group', 'port', {'security_groups': ['twice']}),
        ('security_group', 'security_group', {'rules': [TO_TWICE]}),
        ('image', 'server', {'image': 'twice'}),
        ('server', 'volume', {'server': 'twice', 'state': 'attached', 'size': 1}),
        ('server', 'floating_ip', {'server': 'twice', 'state': 'attached'}),
        ('server', 'floating_ip', {'server': 'twice', 'state': 'detached'}),
        ('server', 'lb', {'members': ['twice'], 'listeners': [{'port': 80}]}),
        ('port', 'floating_ip', {'port': 'twice', 'state': 'attached'}),
        ('port', 'server', {'networks': [{'port': 'twice'}]}),
    ],
)
def test_double_name(
    cloud: CloudUnderTest,
    foreign: Foreign,
    refused: Refused,
    run: Run,
    image: str,
    kind: str,
    module: str,
    options: dict[str, Any],
) -> None:
    """It says not which is meant: a task that uses or manages it is refused with the ids."""
    ids = sorted(foreign(kind, 'twice') for _number in range(2))
    before = cloud.state()
    shown = run(f'{kind}_info', name='twice')[f'{kind}s']
    assert sorted(item['id'] for item in shown) == ids
    if module == 'server':
        options = {'image': image, 'flavor': cloud.flavor, **options}
    exists = f'twice exists 2 times ({", ".join(ids)}); rename or delete all but one'
    assert exists in refused(module, name='new', **options)
    for state in ('present', 'absent'):
        assert exists in refused(kind, name='twice', state=state)
    assert cloud.state() == before
