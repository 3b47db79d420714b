# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documents are up to date: their links, the messages that they quote, what they refer to."""

from __future__ import annotations

import ast
import hashlib
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
HOLE = '\0'  # placeholder for the variable parts of a message

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
    """Return the text without its fenced blocks."""
    return re.sub(r'^ *```.*?^ *```$', '', text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf'^```{language}\n(.*?)^```$', text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Return the targets of links and images outside of code."""
    plain = re.sub(r'`[^`\n]*`', '``', without_blocks(text))
    return re.findall(r'\]\(\s*<?([^)\s>]+)', plain) + re.findall(
        r'^\[[^\]]+\]:\s*(\S+)', plain, flags=re.MULTILINE
    )


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub and GitLab generate them.

    Lower case, no punctuation, hyphens for spaces; the second of two equal ones gets -1.
    """
    found: list[str] = []
    for heading in re.findall(r'^#{1,6} +(.*?)\s*#*$', without_blocks(text), flags=re.MULTILINE):
        words = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).replace('`', '').lower()
        slug = re.sub(r'[^\w\- ]', '', words).strip().replace(' ', '-')
        before = found.count(slug)
        found.append(slug)
        if before:
            found.append(f'{slug}-{before}')
    return set(found)


def link_problem(document: str, link: str) -> str:
    """Return the problem of a link in a document; empty if it has none.

    Links to the internet are not followed.
    """
    if re.match(r'[a-z][a-z0-9+.-]*:', link):
        return ''
    path, _mark, anchor = link.partition('#')
    if path.startswith('/'):
        return f'{link}: use a path relative to the document'
    target = (ROOT / document).parent / path if path else ROOT / document
    if not target.exists():
        return f'{link}: does not exist'
    if not target.resolve().is_relative_to(ROOT.resolve()):
        return f'{link}: is outside the project'
    if anchor and (
        target.suffix != '.md' or anchor not in anchors(target.read_text(encoding='utf-8'))
    ):
        return f'{link}: has no such heading'
    return ''


@pytest.mark.parametrize('document', DOCUMENTS)
def test_links(document: str) -> None:
    """Every relative link and its anchor have a target."""
    found = links((ROOT / document).read_text(encoding='utf-8'))
    problems = [problem for link in found if (problem := link_problem(document, link))]
    assert not problems, '\n'.join(problems)


@pytest.mark.parametrize(
    ('link', 'problem'),
    [
        ('LICENSE', ''),
        ('docs/concepts.md#the-plan', ''),
        ('https://example.org/nowhere#at-all', ''),
        ('docs/concepts.md#the-plane', 'no such heading'),
        ('#no-heading-of-the-readme', 'no such heading'),
        ('docs/nothing.md', 'does not exist'),
        ('/LICENSE', 'relative'),
        ('../', 'outside'),
    ],
)
def test_link_problem(link: str, problem: str) -> None:
    """Each kind of problem is detected."""
    found = link_problem('README.md', link)
    assert (problem in found) if problem else not found


def test_documents_are_found() -> None:
    """The list is not empty, and the README links to all documents."""
    expected = {
        'README.md',
        'README.ko.md',
        'docs/concepts.md',
        'docs/developing.md',
        'docs/troubleshooting.md',
    }
    assert expected <= set(DOCUMENTS)
    assert expected - {'README.md'} <= set(links((ROOT / 'README.md').read_text(encoding='utf-8')))


def test_anchors() -> None:
    """Letters of any script, code, links, and two equal headings."""
    text = (
        '# One, `two`\n## One two\n### 키페어 (Key Pair)\n## [A](b.md) - c\n'
        '```\n# no heading\n```\n## One two\n'
    )
    assert anchors(text) == {'one-two', 'one-two-1', 'one-two-2', '키페어-key-pair', 'a---c'}


@pytest.mark.parametrize('document', DOCUMENTS)
def test_lines_are_short(document: str) -> None:
    """At most 100 characters outside of tables and blocks."""
    text = without_blocks((ROOT / document).read_text(encoding='utf-8'))
    assert [line for line in text.splitlines() if len(line) > 100 and line[:1] != '|'] == []


# -- messages ------------------------------------------------------------------------------------


def python_strings(source: str) -> Iterator[str]:
    """Yield every string of a Python file, with HOLE for the expressions of f-strings.

    Also the messages of ``invalid``, which begin with the option.
    """
    for node in ast.walk(ast.parse(source)):
        yield from string(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == 'invalid':
            yield ': '.join(next(string(argument), HOLE) for argument in node.args)


def string(node: ast.AST) -> Iterator[str]:
    """Yield the text of a string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield ''.join(
            part.value if isinstance(part, ast.Constant) else HOLE for part in node.values
        )


def yaml_strings(value: Any) -> Iterator[str]:
    """Yield every string of a YAML document, with HOLE for its templates."""
    if isinstance(value, str):
        yield re.sub(r'\{\{.*?\}\}', HOLE, value, flags=re.DOTALL)
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from yaml_strings(item)


@lru_cache(maxsize=1)
def messages() -> tuple[str, ...]:
    """Return every string of the plugins and the roles."""
    found: set[str] = set()
    programs = (ROOT / 'roles').glob('*/files/**/*.py')
    for path in (*(ROOT / 'plugins').rglob('*.py'), *programs):
        found.update(python_strings(path.read_text(encoding='utf-8')))
    for path in (ROOT / 'roles').glob('*/files/*-hook'):
        found.add(re.sub(r'\$\w+', HOLE, path.read_text(encoding='utf-8')))
    for path in (ROOT / 'roles').glob('*/tasks/*.yml'):
        found.update(yaml_strings(yaml.safe_load(path.read_text(encoding='utf-8'))))
    return tuple(found)


def quoted(text: str) -> list[str]:
    """Return the messages that a document quotes: code at the beginning of a list item.

    A message is in one line, so that a search finds it; the next one may be in the next line.
    """
    items = re.findall(r'^ *- ((?:`[^`\n]+`(?:,\s+)?)+)', without_blocks(text), flags=re.MULTILINE)
    return [message for item in items for message in re.findall(r'`([^`]+)`', item)]


def is_message(message: str) -> bool:
    """Return whether the code has this message; ``...`` stands for one expression."""
    parts = re.sub(r'^\.\.\.|\.\.\.$', '', message).strip().split('...')
    pattern = re.compile(HOLE.join(re.escape(part) for part in parts))
    return any(pattern.search(text) for text in messages())


@pytest.mark.parametrize('message', quoted(TROUBLESHOOTING.read_text(encoding='utf-8')))
def test_quoted_message_exists(message: str) -> None:
    """A user who searches the page for a message finds it."""
    assert len(message) > 8, 'too short to search for'
    assert is_message(message), f'no string in plugins/ and roles/ matches: {message}'


@pytest.mark.parametrize(
    ('message', 'expected'),
    [
        ('server ... is UNMANAGED', True),
        ('server ... is MANAGED', False),
        ('server web is UNMANAGED', False),
        ('timed out after ... s (wait_timeout) waiting for ..., held by ...', True),
        ('timed out after ... minutes waiting for ..., held by ...', False),
        ('hanok.cloud supports Debian and Ubuntu on amd64; this host is ...', True),
    ],
)
def test_is_message(message: str, expected: bool) -> None:
    """Messages that do not exist are detected."""
    assert is_message(message) is expected


def test_messages_are_found() -> None:
    """The list is not empty."""
    assert len(quoted(TROUBLESHOOTING.read_text(encoding='utf-8'))) > 60


# -- names ---------------------------------------------------------------------------------------


def collection_names() -> set[str]:
    """Return the names of modules, other plugins, roles, playbooks, and the action group."""
    kinds = ('modules', 'connection', 'filter', 'inventory')
    modules = {path.stem for kind in kinds for path in (ROOT / 'plugins' / kind).glob('*.py')}
    modules |= {path.stem for path in (ROOT / 'extensions/eda/plugins').glob('*/*.py')}
    roles = {path.name for path in (ROOT / 'roles').iterdir()}
    return modules | roles | {path.stem for path in (ROOT / 'playbooks').glob('*.yml')} | {'all'}


@pytest.mark.parametrize('document', DOCUMENTS)
def test_references_exist(document: str) -> None:
    """Each ``hanok.cloud.NAME`` is a module, a role, a playbook or the action group."""
    named = set(
        re.findall(r'hanok\.cloud\.([a-z_]+)', (ROOT / document).read_text(encoding='utf-8'))
    )
    assert named <= collection_names()


def options_of(module: str) -> set[str]:
    """Return the options that a module documents, with those of its fragments."""
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
    """Yield the tasks of modules of this collection in a YAML document, at any depth."""
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
def test_examples_use_existing_options(document: str) -> None:
    """Each YAML block is valid, and its tasks use only options of their modules."""
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


# -- the Korean README -------------------------------------------------------------------------

KOREAN = (ROOT / 'README.ko.md').read_text(encoding='utf-8')


def test_korean_playbook_equals_readme() -> None:
    """Only comments and the names of plays and tasks are translated."""

    def plain(text: str) -> list[Any]:
        plays = [yaml.safe_load(block) for block in blocks(text, 'yaml') if 'hosts:' in block]
        return [
            [{key: value for key, value in play.items() if key != 'name'} for play in some]
            for some in plays
        ]

    assert plain(KOREAN)
    assert plain(KOREAN)[0] in plain((ROOT / 'README.md').read_text(encoding='utf-8'))


def test_korean_table_uses_existing_options() -> None:
    """In a table row, code ``module: option`` is a module and its option."""
    rows = [line for line in without_blocks(KOREAN).splitlines() if line.startswith('|')]
    found = [pair for row in rows for pair in re.findall(r'`([a-z_]+): ([a-z_]+)', row)]
    options = {
        module: options_of(module)
        for module in {module for module, _option in found} & collection_names()
    }
    assert len(found) > 10
    assert not [
        (module, option) for module, option in found if option not in options.get(module, ())
    ]


# -- the site ------------------------------------------------------------------------------------


def test_modules_are_in_the_navigation() -> None:
    """Each module is in the navigation of the site once, by its kind."""
    text = (ROOT / 'docs' / 'docsite' / 'index.rst').read_text('utf-8')
    listed = re.findall(r'^   \w+ <reference/(\w+)_module>$', text, flags=re.MULTILINE)
    modules = [path.stem for path in (ROOT / 'plugins' / 'modules').glob('*.py')]
    assert sorted(listed) == sorted(modules)


def test_roles_are_in_the_navigation() -> None:
    """Each role is in the navigation of the site with its README and its variables."""
    text = (ROOT / 'docs' / 'docsite' / 'index.rst').read_text('utf-8')
    roles = sorted(path.parent.name for path in (ROOT / 'roles').glob('*/README.md'))
    assert re.findall(r'^   \w+ <roles/(\w+)/README>$', text, flags=re.MULTILINE) == roles
    variables = re.findall(r'^   (\w+): variables <reference/(\w+)_role>$', text, re.MULTILINE)
    assert variables == [(role, role) for role in roles]


@pytest.mark.parametrize('picture', sorted((ROOT / 'docs' / 'pictures').glob('*.dot')))
def test_pictures_are_drawn(picture: Path) -> None:
    """What was drawn is of this text; `make pictures` draws it again."""
    drawn = picture.with_suffix('.svg').read_text('utf-8')
    assert f'<!-- {hashlib.sha256(picture.read_bytes()).hexdigest()} -->' in drawn
