# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documents do not go stale: their links lead somewhere, the messages that they quote are said by the code, what they name is there."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TROUBLESHOOTING = ROOT / 'docs' / 'troubleshooting.md'
HOLE = '\0'  # stands in the text of a message for what varies

LISTED = subprocess.run(
    ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md'],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
DOCUMENTS = sorted(name for name in LISTED if (ROOT / name).is_file())


# -- reading Markdown ----------------------------------------------------------------------------


def without_blocks(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r'^ *```.*?^ *```$', '', text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf'^```{language}\n(.*?)^```$', text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """The targets of links and images, outside of code."""
    plain = re.sub(r'`[^`\n]*`', '``', without_blocks(text))
    return re.findall(r'\]\(\s*<?([^)\s>]+)', plain) + re.findall(
        r'^\[[^\]]+\]:\s*(\S+)', plain, flags=re.MULTILINE
    )


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as the forges make them: small letters, no punctuation, hyphens for spaces; the second of two alike gets -1."""
    found: list[str] = []
    for heading in re.findall(r'^#{1,6} +(.*?)\s*#*$', without_blocks(text), flags=re.MULTILINE):
        words = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).replace('`', '').lower()
        slug = re.sub(r'[^\w\- ]', '', words).strip().replace(' ', '-')
        before = found.count(slug)
        found.append(slug)
        if before:
            found.append(f'{slug}-{before}')
    return set(found)


def wrong(document: str, link: str) -> str:
    """What is wrong with a link of a document; empty: nothing. Links to the internet are not followed."""
    if re.match(r'[a-z][a-z0-9+.-]*:', link):
        return ''
    path, _mark, anchor = link.partition('#')
    if path.startswith('/'):
        return f'{link}: give a path relative to the document'
    target = (ROOT / document).parent / path if path else ROOT / document
    if not target.exists():
        return f'{link}: is not there'
    if not target.resolve().is_relative_to(ROOT.resolve()):
        return f'{link}: is outside of the project'
    if anchor and (
        target.suffix != '.md' or anchor not in anchors(target.read_text(encoding='utf-8'))
    ):
        return f'{link}: has no such heading'
    return ''


@pytest.mark.parametrize('document', DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Every relative link, and every anchor in it."""
    found = links((ROOT / document).read_text(encoding='utf-8'))
    problems = [problem for link in found if (problem := wrong(document, link))]
    assert not problems, '\n'.join(problems)


@pytest.mark.parametrize(
    ('link', 'problem'),
    [
        ('LICENSE', ''),
        ('docs/concepts.md#the-plan', ''),
        ('https://example.org/nowhere#at-all', ''),
        ('docs/concepts.md#the-plane', 'no such heading'),
        ('#no-heading-of-the-readme', 'no such heading'),
        ('docs/nothing.md', 'is not there'),
        ('/LICENSE', 'relative'),
        ('../', 'outside'),
    ],
)
def test_what_is_wrong_with_a_link(link: str, problem: str) -> None:
    """The test above can fail."""
    said = wrong('README.md', link)
    assert (problem in said) if problem else not said


def test_the_documents_are_found() -> None:
    """An empty list would have no bad link. All of them are reached from the README."""
    wanted = {
        'README.md',
        'README.ko.md',
        'docs/concepts.md',
        'docs/developing.md',
        'docs/troubleshooting.md',
    }
    assert wanted <= set(DOCUMENTS)
    assert wanted - {'README.md'} <= set(links((ROOT / 'README.md').read_text(encoding='utf-8')))


def test_anchors_are_the_forges() -> None:
    """Letters of any script, code, links, and two headings alike."""
    text = '# One, `two`\n## One two\n### 키페어 (Key Pair)\n## [A](b.md) - c\n```\n# no heading\n```\n## One two\n'
    assert anchors(text) == {'one-two', 'one-two-1', 'one-two-2', '키페어-key-pair', 'a---c'}


# -- messages ------------------------------------------------------------------------------------


def python_texts(source: str) -> Iterator[str]:
    """Every text in a Python file, with holes where something is put in; inner texts of f-strings too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield ''.join(
                part.value if isinstance(part, ast.Constant) else HOLE for part in node.values
            )


def yaml_texts(value: Any) -> Iterator[str]:
    """Every text in a YAML document, with holes for its templates."""
    if isinstance(value, str):
        yield re.sub(r'\{\{.*?\}\}', HOLE, value, flags=re.DOTALL)
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from yaml_texts(item)


@lru_cache(maxsize=1)
def texts() -> tuple[str, ...]:
    """All that the plugins and the roles may say."""
    found: set[str] = set()
    for path in (ROOT / 'plugins').rglob('*.py'):
        found.update(python_texts(path.read_text(encoding='utf-8')))
    for path in (ROOT / 'roles').glob('*/tasks/*.yml'):
        found.update(yaml_texts(yaml.safe_load(path.read_text(encoding='utf-8'))))
    return tuple(found)


def quoted(text: str) -> list[str]:
    """The messages that a document quotes: code at the beginning of a list item."""
    items = re.findall(r'^ *- ((?:`[^`]+`(?:, )?)+)', without_blocks(text), flags=re.MULTILINE)
    return [message for item in items for message in re.findall(r'`([^`]+)`', item)]


def is_said(message: str) -> bool:
    """Whether some text of the code has these words; ``...`` stands for exactly one thing that is put in."""
    parts = re.sub(r'^\.\.\.|\.\.\.$', '', message).strip().split('...')
    pattern = re.compile(HOLE.join(re.escape(part) for part in parts))
    return any(pattern.search(text) for text in texts())


@pytest.mark.parametrize('message', quoted(TROUBLESHOOTING.read_text(encoding='utf-8')))
def test_a_quoted_message_is_said(message: str) -> None:
    """Who searches the page for what he read finds it."""
    assert len(message) > 8, 'too short to be searched for'
    assert is_said(message), f'no text in plugins/ and roles/ has the words: {message}'


@pytest.mark.parametrize(
    ('message', 'said'),
    [
        ('server ... is UNMANAGED', True),
        ('server ... is MANAGED', False),
        ('server web is UNMANAGED', False),
        ('timed out after ... s (wait_timeout) waiting for ..., held by ...', True),
        ('timed out after ... minutes waiting for ..., held by ...', False),
        ('A host is Debian or Ubuntu on amd64; this is ...', True),
    ],
)
def test_what_is_said(message: str, said: bool) -> None:
    """The test above can fail."""
    assert is_said(message) is said


def test_messages_are_found() -> None:
    """An empty list would be right."""
    assert len(quoted(TROUBLESHOOTING.read_text(encoding='utf-8'))) > 60


# -- names ---------------------------------------------------------------------------------------


def names_of_ours() -> set[str]:
    """Modules, roles, playbooks, and the action group."""
    modules = {path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py')}
    roles = {path.name for path in (ROOT / 'roles').iterdir()}
    return modules | roles | {path.stem for path in (ROOT / 'playbooks').glob('*.yml')} | {'all'}


@pytest.mark.parametrize('document', DOCUMENTS)
def test_what_is_named_is_there(document: str) -> None:
    """``hanok.cloud.NAME`` is a module, a role, a playbook or the action group."""
    named = set(
        re.findall(r'hanok\.cloud\.([a-z_]+)', (ROOT / document).read_text(encoding='utf-8'))
    )
    assert named <= names_of_ours()


def options_of(module: str) -> set[str]:
    """What a module documents, its fragments too."""
    package = 'ansible_collections.hanok.cloud.plugins'
    raw = yaml.safe_load(importlib.import_module(f'{package}.modules.{module}').DOCUMENTATION)
    found = set(raw.get('options', {}))
    for fragment in raw.get('extends_documentation_fragment', []):
        name, *section = fragment.removeprefix('hanok.cloud.').split('.')
        texts_of = importlib.import_module(f'{package}.doc_fragments.{name}').ModuleDocFragment
        found |= set(
            yaml.safe_load(
                getattr(texts_of, section[0].upper() if section else 'DOCUMENTATION')
            ).get('options', {})
        )
    return found


def tasks(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks of our modules in a YAML document, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from tasks(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            module = key.removeprefix('hanok.cloud.')
            if module != key and isinstance(inner, dict):
                yield module, inner
            else:
                yield from tasks(inner)


@pytest.mark.parametrize('document', DOCUMENTS)
def test_examples_say_options_that_there_are(document: str) -> None:
    """Each YAML block can be read, and its tasks have only options that their modules have."""
    found = [
        yaml.safe_load(block)
        for block in blocks((ROOT / document).read_text(encoding='utf-8'), 'yaml')
    ]
    unknown = {
        (module, option)
        for module, options in tasks(found)
        for option in set(options) - options_of(module)
    }
    assert not unknown


# -- the words of other clouds -------------------------------------------------------------------

KOREAN = (ROOT / 'README.ko.md').read_text(encoding='utf-8')


def test_the_korean_playbook_is_that_of_the_readme() -> None:
    """Only names of plays and tasks, and comments, are translated."""

    def plain(text: str) -> list[Any]:
        plays = [yaml.safe_load(block) for block in blocks(text, 'yaml') if 'hosts:' in block]
        return [
            [{key: value for key, value in play.items() if key != 'name'} for play in some]
            for some in plays
        ]

    assert plain(KOREAN)
    assert plain(KOREAN)[0] in plain((ROOT / 'README.md').read_text(encoding='utf-8'))


def test_the_korean_table_names_options_that_there_are() -> None:
    """In a row of a table, ``module: option`` in code is a module and its option."""
    rows = [line for line in without_blocks(KOREAN).splitlines() if line.startswith('|')]
    found = [pair for row in rows for pair in re.findall(r'`([a-z_]+): ([a-z_]+)', row)]
    options = {
        module: options_of(module)
        for module in {module for module, _option in found} & names_of_ours()
    }
    assert len(found) > 10
    assert not [
        (module, option) for module, option in found if option not in options.get(module, ())
    ]
