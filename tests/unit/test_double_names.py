# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clouds where several items may have the same name: it is refused, never chosen for the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.options import by_name
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.references import References
from ansible_collections.hanok.cloud.plugins.module_utils._cloud import Refused
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network

ITEMS = [Network('lan', id='b'), Network('other', id='c'), Network('lan', id='a')]
TEXT = r'^network lan exists 2 times \(a, b\); rename or delete all but one$'


@pytest.mark.parametrize(
    'look',
    [lambda items: items['lan'], lambda items: items.get('lan'), lambda items: 'lan' in items],
)
def test_reference(look: Callable[[Any], object]) -> None:
    """It is refused where a task refers to it; other names are found, or not."""
    items = References('network', ITEMS)
    with pytest.raises(Refused, match=TEXT) as caught:
        look(items)
    assert (caught.value.kind, caught.value.name) == ('network', 'lan')
    assert (items['other'].id, items.get('other'), 'other' in items) == ('c', ITEMS[1], True)
    assert (items.get('none'), 'none' in items) == (None, False)
    assert sorted(items) == ['lan', 'other']


def test_managed() -> None:
    """It is refused before the task plans anything."""
    with pytest.raises(Refused, match=TEXT):
        by_name('network', ITEMS)
    assert by_name('network', ITEMS[:2]) == {'lan': ITEMS[0], 'other': ITEMS[1]}
