# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A failed task returns each error with its code, and with what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.hanok.cloud.tests.contract.clouds import CloudUnderTest
from ansible_collections.hanok.cloud.tests.contract.promises import Result, Run

Created = Callable[..., Result]


def errors(result: Result) -> list[tuple[Any, ...]]:
    """The errors of a task without their sentences."""
    assert result['failed'], result
    assert all(error['msg'] in result['msg'] for error in result['errors'])
    return [
        (error['code'], error['kind'], error['name'], error['option']) for error in result['errors']
    ]


def test_invalid(run: Run) -> None:
    """All wrong values at once, found before anything is observed."""
    assert errors(run('volume', name='big', size=10**9, description='a\nb')) == [
        ('invalid', 'volume', 'big', 'description'),
        ('invalid', 'volume', 'big', 'size'),
    ]
    assert errors(run('volume', name='big', size='large')) == [('invalid', 'volume', 'big', None)]


def test_invalid_rule(run: Run) -> None:
    """A rule is named by its place in the list."""
    rules = [{'preset': 'ssh'}, {'protocol': 'none'}]
    assert errors(run('security_group', name='web', rules=rules)) == [
        ('invalid', 'security_group', 'web', 'rules[1]')
    ]


def test_refused_and_missing(run: Run, cloud: CloudUnderTest, image: str) -> None:
    """What is refused, and what does not exist, one with the other."""
    assert errors(run('volume', name='none')) == [('refused', 'volume', 'none', 'size')]
    lost = {'flavor': cloud.flavor, 'image': image, 'key_names': ['nobody']}
    assert errors(run('server', name='one', **lost)) == [('missing', 'server', 'one', 'key_names')]


def test_member_of_a_group(cloud: CloudUnderTest, run: Run, server: Created, image: str) -> None:
    """The member is named, not the group."""
    server('web-1', delete_protection=True)
    found = errors(run('server', name='web', count=1, image=image, flavor=cloud.flavor))
    assert found == [('refused', 'server', 'web-1', 'name')]


def test_repair(cloud: CloudUnderTest, run: Run, server: Created) -> None:
    """A cloud repairs servers, or says that it cannot."""
    server('one')
    repaired = run('server', name='one', repair=True)
    if repaired.get('failed'):
        assert errors(repaired) == [('unsupported', 'server', 'one', 'repair')]
        assert f'repair: the cloud {cloud.name} does not support it' in repaired['msg']
    else:
        assert not repaired['changed']
