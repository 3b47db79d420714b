# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action group `hanok.cloud.all` contains every module.

The module_defaults of a play silently skip a module that is not in it.
"""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_action_group_is_the_list_of_modules() -> None:
    """The list in meta/runtime.yml equals the files in plugins/modules, sorted."""
    runtime = yaml.safe_load((ROOT / 'meta' / 'runtime.yml').read_text(encoding='utf-8'))
    modules = sorted(
        path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py') if path.stem != '__init__'
    )
    assert runtime['action_groups']['all'] == modules
