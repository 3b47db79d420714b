# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules are imported from a zip file, as Ansible sends them."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import zipfile
import zipimport
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import code_cache

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


def test_imported_modules_are_no_garbage() -> None:
    """Python would search for it whenever a task ends."""
    importlib.import_module(EDGE)
    assert gc.get_freeze_count() > 10_000


class Sent:
    """Zips, as one after the other is sent to a host with a cache; ``compiled``: how often."""

    def __init__(self, folder: Path, cache: Path) -> None:
        """``folder``: of the zips. ``cache``: of their code."""
        self.paths = (folder / f'{number}.zip' for number in count())
        self.cache, self.compiled = cache, 0
        self._original: Any = zipimport._compile_source  # type: ignore[attr-defined]

    def compile_source(self, path: str, source: bytes) -> Any:
        """What Python does by itself, counted."""
        self.compiled += 1
        return self._original(path, source)

    def answer(
        self, source: str = 'ANSWER = 42\n', meanwhile: Callable[[], None] = lambda: None
    ) -> int:
        """Run a module of a new zip; return the answer."""
        path = next(self.paths)
        with zipfile.ZipFile(path, 'w') as file:
            file.writestr('asked.py', source)
        zipimport._compile_source = self.compile_source  # type: ignore[attr-defined]
        code_cache.use_cache()
        meanwhile()
        found: dict[str, int] = {}
        exec(zipimport.zipimporter(str(path)).get_code('asked'), found)  # noqa: S102 (from above)
        return found['ANSWER']

    def file(self) -> Path:
        """The file of the module in the cache."""
        (found,) = self.cache.iterdir()
        return found


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """A host with an empty cache."""
    cache = tmp_path / 'code'
    cache.mkdir(0o700)
    monkeypatch.setattr(code_cache, 'FOLDER', str(cache))
    sent = Sent(tmp_path, cache)
    monkeypatch.setattr(zipimport, '_compile_source', sent.compile_source)  # to restore it
    return sent


def test_code_is_kept_for_the_next_task(sent: Sent) -> None:
    """One file, which only its owner can read or write."""
    assert [sent.answer(), sent.answer()] == [42, 42]
    assert sent.compiled == 1
    assert sent.file().name.startswith('asked.py.')
    assert sent.file().stat().st_mode & 0o777 == 0o600


def test_another_version_is_compiled(sent: Sent) -> None:
    """And kept instead."""
    other = 'ANSWER = 43\n'
    assert [sent.answer(), sent.answer(other), sent.answer(other)] == [42, 43, 43]
    assert sent.compiled == 2
    assert sent.file()


def test_another_python_compiles(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that calls its code by the same name."""
    sent.answer()
    monkeypatch.setattr(code_cache, '_PYTHON', b'another')
    assert sent.answer() == 42
    assert sent.compiled == 2


@pytest.mark.parametrize('size', [0, 1, 31, 32, 33, 100, -1])
def test_half_written_code_is_compiled(sent: Sent, size: int) -> None:
    """A task was killed, or the disk is full; the next one writes it again."""
    sent.answer()
    whole = sent.file().read_bytes()
    sent.file().write_bytes(whole[:size])
    assert [sent.answer(), sent.answer()] == [42, 42]
    assert sent.compiled == 2


def test_damaged_code_is_compiled(sent: Sent) -> None:
    """Whichever byte it is."""
    sent.answer()
    whole = sent.file().read_bytes()
    for place in range(len(whole)):
        sent.file().write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert sent.answer() == 42
    assert sent.compiled == 1 + len(whole)


@pytest.mark.parametrize('others', ['group', 'all', 'owner', 'link', 'none'])
def test_folder_of_others(sent: Sent, others: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither read nor written."""
    sent.answer()
    sent.file().write_bytes(b'')
    if others == 'owner':
        owner = os.geteuid() + 1
        monkeypatch.setattr(os, 'geteuid', lambda: owner)
    elif others == 'link':
        link = sent.cache.with_name('link')
        link.symlink_to(sent.cache)
        monkeypatch.setattr(code_cache, 'FOLDER', str(link))
    elif others == 'none':
        monkeypatch.setattr(code_cache, 'FOLDER', str(sent.cache / 'none'))
    else:
        sent.cache.chmod({'group': 0o720, 'all': 0o701}[others])
    assert sent.answer() == 42
    assert sent.compiled == 2
    assert sent.file().read_bytes() == b''


def test_links_are_not_followed(sent: Sent) -> None:
    """Neither to read nor to write."""
    sent.answer()
    target = sent.cache.with_name('target')
    sent.file().rename(target)
    whole = target.read_bytes()
    target.write_bytes(b'')
    (sent.cache / f'asked.py.{sys.implementation.cache_tag}').symlink_to(target)
    assert sent.answer() == 42
    assert target.read_bytes() == b''
    target.write_bytes(whole)
    assert sent.answer() == 42
    assert sent.compiled == 3


def test_folder_is_removed_meanwhile(sent: Sent) -> None:
    """The task goes on without."""
    assert sent.answer(meanwhile=sent.cache.rmdir) == 42
    assert sent.compiled == 1
