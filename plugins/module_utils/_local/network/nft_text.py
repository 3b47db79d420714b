# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chains, sets and maps of nftables as lines of text."""

from __future__ import annotations

from collections.abc import Iterable

INDENT = '  '


def chain(name: str, rules: Iterable[str], hook: str = '') -> list[str]:
    """Return a chain; with a hook it is a base chain that accepts by policy."""
    lines = [f'chain {name} {{']
    if hook:
        lines.append(f'{INDENT}type {hook}; policy accept;')
    lines += [INDENT + rule for rule in rules]
    lines.append('}')
    return lines


def named_set(
    name: str,
    type_: str,
    elements: Iterable[str],
    flags: str = '',
) -> list[str]:
    """Return a set of elements of a type such as ipv4_addr."""
    return _collection(f'set {name}', f'type {type_}', elements, flags)


def typeof_set(name: str, expression: str, elements: Iterable[str]) -> list[str]:
    """Return a set of elements of the type of an expression."""
    return _collection(f'set {name}', f'typeof {expression}', elements)


def named_map(name: str, type_: str, elements: Iterable[str]) -> list[str]:
    """Return a map of a type such as ipv4_addr : verdict."""
    return _collection(f'map {name}', f'type {type_}', elements)


def _collection(
    head: str,
    type_: str,
    elements: Iterable[str],
    flags: str = '',
) -> list[str]:
    lines = [f'{head} {{', INDENT + type_]
    if flags:
        lines.append(f'{INDENT}flags {flags}')
    # One element a line: rulesets are compared line by line.
    items = [f'{INDENT * 2}{element},' for element in elements]
    if items:
        lines.append(f'{INDENT}elements = {{')
        lines += items
        lines.append(INDENT + '}')
    lines.append('}')
    return lines


def quoted(names: Iterable[str]) -> list[str]:
    """Return names of devices as elements."""
    return [f'"{name}"' for name in names]
