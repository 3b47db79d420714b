# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two plays run the same task at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import KINDS

from .clouds import CloudUnderTest
from .promises import Result, Run
from .test_identity import OPTIONS

Keep = Callable[..., Result]


@pytest.mark.parametrize('kind', OPTIONS)
def test_created_at_once(
    kind: str, cloud: CloudUnderTest, run: Run, keep: Keep, image: str
) -> None:
    """One item is left, both runs are good, and the next run changes nothing."""
    if cloud.at_once is None:
        pytest.skip(f'tasks in {cloud.name} run one after another')
    options = {'name': 'same', **OPTIONS[kind]}
    if kind == 'server':
        options.update(image=image, flavor=cloud.flavor)
    if kind == 'image':
        options['path'] = cloud.image_path
    results = cloud.at_once([(kind, options)] * 2)
    assert [result['msg'] for result in results if result.get('failed')] == []
    assert not keep(kind, **options)['changed']
    (item,) = run(f'{kind}_info', name='same')[KINDS[kind].plural]
    assert {result[kind]['id'] for result in results} == {item['id']}
    keep(kind, name='same', state='absent')
