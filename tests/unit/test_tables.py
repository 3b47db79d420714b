# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every option of a resource is in the table of its kind; otherwise changes are not found."""

from __future__ import annotations

import importlib
from dataclasses import fields
from pathlib import Path

import pytest

UTILS = 'ansible_collections.hanok.cloud.plugins.module_utils'
MODEL = Path(__file__).resolve().parents[2] / 'plugins/module_utils/_model'
# The modules with a table of options, by the kind of resource.
TABLES = {
    path.stem.removesuffix('_effects'): path.stem
    for path in sorted(MODEL.glob('*.py'))
    if '\nTABLE: Table = ' in path.read_text('utf-8')
}
# Options that separate verbs change: a volume is attached and detached.
BY_VERB = {'volume': {'server', 'mount_point'}}


@pytest.mark.parametrize('kind', TABLES)
def test_table_is_complete(kind: str) -> None:
    """The table has the options of the module that are fields of the resource, except its name."""
    model = importlib.import_module(f'{UTILS}._model.{kind}')
    edge = importlib.import_module(f'{UTILS}._ansible.{kind}')
    table = importlib.import_module(f'{UTILS}._model.{TABLES[kind]}').TABLE
    thing = getattr(model, ''.join(word.capitalize() for word in kind.split('_')))
    options = set(edge.ARGUMENTS) & {field.name for field in fields(thing)} - {
        'name'
    } - BY_VERB.get(kind, set())
    assert options
    assert options <= set(table), (
        f'add to TABLE of _model/{TABLES[kind]}.py: {options - set(table)}'
    )


def test_the_kinds_are_found() -> None:
    """An empty list would pass the other test."""
    assert {'server', 'lb', 'volume'} <= set(TABLES)
