# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The arguments of modules that run in this process, for all versions of ansible-core."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ansible.module_utils import basic

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core 2.18

    @contextmanager
    def patch_module_args(module_args: Mapping[str, Any]) -> Iterator[None]:
        """Let a module find arguments while the context lasts."""
        text = json.dumps({'ANSIBLE_MODULE_ARGS': module_args})
        with patch.object(basic, '_ANSIBLE_ARGS', text.encode()):
            yield


__all__ = ['patch_module_args']
