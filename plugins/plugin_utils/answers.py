# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The answers of hypervisors. Whatever is in them, it is data: a host may be in foreign hands."""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Tuple

MOST = 64 * 2**20  # bytes of an answer
_SHOWN = 300  # characters of a foreign text in a message
Item = Dict[str, Any]


class Problem(Exception):
    """Why a hypervisor could not be asked; the text has the way out."""


class Answer(NamedTuple):
    """What a hypervisor has answered: its servers, or why there are none."""

    servers: List[Item]
    problem: str = ''
    warnings: Tuple[str, ...] = ()


def answer_of(code: int, output: bytes, errors: bytes) -> Answer:
    """Return the answer in the output of server_info."""
    found = _result(output)
    if found is None:
        return Answer([], _no_result(code, output, errors))
    warnings = found.get('warnings')
    texts = tuple(map(shown, warnings)) if isinstance(warnings, list) else ()
    if found.get('failed'):
        return Answer([], shown(found.get('msg')), texts)
    servers = _parsed(found.get('servers'))
    if not isinstance(servers, list) or not all(map(_is_server, servers)):
        text = 'the answer has other things than servers; a query must select whole servers'
        return Answer([], text, texts)
    return Answer(servers, '', texts)


def _result(output: bytes) -> Item | None:
    """The result of the module, which is the last line that can be one."""
    for line in reversed(output.splitlines()):
        if line.startswith(b'{'):
            found = _parsed(line)
            return found if isinstance(found, dict) else None
    return None


def _parsed(text: object) -> object:
    """What a text of JSON says; None if it is no such text."""
    if not isinstance(text, (str, bytes)):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _no_result(code: int, output: bytes, errors: bytes) -> str:
    said = shown((errors + b' ' + output).decode(errors='replace')) or 'nothing'
    if code == 127:
        return f'{said}; set ansible_python_interpreter to the Python of the host'
    return f'the answer is no result of server_info (exit code {code}): {said}'


def _is_server(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    texts = (item.get('name'), item.get('project'), item.get('id'), item.get('status'))
    return all(isinstance(text, str) and text for text in texts)


def shown(text: object) -> str:
    """Return a foreign text for a message: one line, printable, and not too long."""
    words = ''.join(one if one.isprintable() else ' ' for one in str(text)[: 4 * _SHOWN]).split()
    plain = ' '.join(words)
    return plain if len(plain) <= _SHOWN else f'{plain[:_SHOWN]}...'
