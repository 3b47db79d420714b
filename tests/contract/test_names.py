# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names: strict for what is created, any printable text for what is referred to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .clouds import CloudUnderTest
from .promises import Result

Refused = Callable[..., str]

ANY_NAME = '../Ubuntu 24.04 "LTS" <&; drop é'
SERVER = {'name': 'new', 'flavor': 'g1.nano', 'image': 'small'}
BALANCER = {'name': 'new', 'listeners': [{'port': 80}]}
VOLUME = {'name': 'new', 'size': 1, 'state': 'attached'}
FLOATING_IP = {'name': 'new', 'state': 'attached'}
RULE = {'protocol': 'tcp', 'remote': f'group:{ANY_NAME}'}


@pytest.mark.parametrize(
    ('module', 'options'),
    [
        ('server', {**SERVER, 'image': ANY_NAME}),
        ('server', {**SERVER, 'flavor': ANY_NAME}),
        ('server', {**SERVER, 'key_names': [ANY_NAME]}),
        ('server', {**SERVER, 'init_script': ANY_NAME}),
        ('server', {**SERVER, 'security_groups': [ANY_NAME]}),
        ('server', {**SERVER, 'networks': [{'name': ANY_NAME}]}),
        ('server', {**SERVER, 'networks': [{'port': ANY_NAME}]}),
        ('lb', {**BALANCER, 'members': [ANY_NAME]}),
        ('lb', {**BALANCER, 'network': ANY_NAME}),
        ('port', {'name': 'new', 'network': ANY_NAME}),
        ('port', {'name': 'new', 'security_groups': [ANY_NAME]}),
        ('volume', {**VOLUME, 'server': ANY_NAME}),
        ('floating_ip', {**FLOATING_IP, 'server': ANY_NAME}),
        ('floating_ip', {**FLOATING_IP, 'port': ANY_NAME}),
        ('floating_ip', {**FLOATING_IP, 'lb': ANY_NAME}),
        ('image', {'name': 'new', 'server': ANY_NAME}),
        ('security_group', {'name': 'new', 'rules': [RULE]}),
    ],
)
def test_any_name_can_be_referred_to(
    module: str, options: dict[str, Any], cloud: CloudUnderTest
) -> None:
    """What does not exist is missing, whatever its name is: no error of the name, no trace."""
    before = cloud.state()
    predicted: Result = cloud.run(module, check=True, **options)
    assert not predicted.get('failed'), predicted['msg']
    done = cloud.run(module, **options)
    assert done.get('failed')
    assert f'{ANY_NAME} does not exist; available: ' in done['msg']
    assert cloud.state() == before


@pytest.mark.parametrize(
    'module',
    ['server', 'lb', 'port', 'volume', 'floating_ip', 'image', 'security_group', 'network'],
)
def test_what_is_created_has_a_strict_name(module: str, refused: Refused) -> None:
    """Names become host names and parts of file names."""
    assert "'Ubuntu 24.04 LTS' is not a valid" in refused(module, name='Ubuntu 24.04 LTS')
