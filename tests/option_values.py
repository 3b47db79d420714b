# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values for the options of modules whose possible values the argument specification says."""

from __future__ import annotations

import importlib
from typing import Any

from hypothesis import strategies as st

UTILS = 'ansible_collections.hanok.cloud.plugins.module_utils'


def option_values(module: str, table: str) -> dict[str, st.SearchStrategy[Any]]:
    """The options in the table of a kind that are true or false, or one of some words.

    ``table``: the module of the model that has it.
    """
    arguments = importlib.import_module(f'{UTILS}._ansible.{module}').ARGUMENTS
    options = importlib.import_module(f'{UTILS}._model.{table}').TABLE
    values = {}
    for option in options:
        argument = arguments.get(option, {})
        if argument.get('type') == 'bool':
            values[option] = st.booleans()
        elif 'choices' in argument:
            values[option] = st.sampled_from(argument['choices'])
    return values
