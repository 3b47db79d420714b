# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules are imported from a zip file, as Ansible sends them."""

from __future__ import annotations

import importlib
import zipfile
import zipimport
from pathlib import Path
from typing import Any

import pytest

EDGE = 'ansible_collections.hanok.cloud.plugins.module_utils._ansible'


def test_each_file_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python by itself does it to find a file, and again to load it."""
    importlib.import_module(EDGE)
    compiled: list[str] = []
    original: Any = zipimport._compile_source  # type: ignore[attr-defined]

    def counted(path: str, source: bytes) -> Any:
        compiled.append(path)
        return original(path, source)

    monkeypatch.setattr(zipimport, '_compile_source', counted)
    with zipfile.ZipFile(tmp_path / 'sent.zip', 'w') as file:
        file.writestr('compiled_once.py', 'ANSWER = 42\n')
    monkeypatch.syspath_prepend(str(tmp_path / 'sent.zip'))
    assert importlib.import_module('compiled_once').ANSWER == 42
    assert len(compiled) == 1
