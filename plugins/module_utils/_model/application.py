# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container runs instead of an init: the application of an OCI image.

What the image says is untrusted; it becomes arguments, environment and XML of libvirt.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Tuple

IDS = 65536  # users of a container
_MOST_TEXT, _MOST_WORDS = 2**16, 512  # characters and items of command and environment
# What XML 1.0 cannot hold ("2.2 Characters"), and a carriage return, which it changes.
_TEXT = re.compile('[^\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]*')
_VARIABLE = re.compile('[A-Za-z_][A-Za-z0-9_.-]{0,127}')
_ID = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}'
_USER = re.compile(f'({_ID})?(:{_ID})?')
_REAL_TIME = re.compile(r'SIGRTMIN(?:\+([0-9]{1,2}))?')
_FIRST_REAL_TIME = 34  # of glibc and musl, which use the ones before
_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Config(NamedTuple):
    """What an image says (OCI image specification, "config.md").

    ``user``: a name or number, perhaps with a colon and a group.
    """

    command: Tuple[str, ...]
    environment: Dict[str, str]
    working_dir: str
    user: str
    stop_signal: int


@dataclass(frozen=True)
class Application:
    """The application of an image. ``command``: begins with the path of its program.

    ``user``, ``group``: in the container. ``stop_signal``: the number of the signal that ends it.
    """

    command: Tuple[str, ...]
    environment: Mapping[str, str]
    working_dir: str
    user: int
    group: int
    stop_signal: int

    def __post_init__(self) -> None:
        """Raise ValueError for what an image cannot have."""
        _check_texts(self.command, 'command')
        _check_environment(self.environment)
        if any(map(has_markup, self.environment.values())):
            raise ValueError('Env: it has markup')
        for path in (*self.command[:1], self.working_dir):
            if not path.startswith('/'):
                raise ValueError(f'{path!r} is not an absolute path')
        _check_texts((self.working_dir,), 'WorkingDir')
        for identity in (self.user, self.group):
            if not 0 <= identity < IDS:
                raise ValueError(f'{identity} is no user or group of a container (0 to {IDS - 1})')
        if not 0 < self.stop_signal < signal.NSIG:
            raise ValueError(f'{self.stop_signal} is not the number of a signal')

    def recorded(self) -> str:
        """The application as JSON."""
        return json.dumps(vars(self))

    def public(self) -> Dict[str, Any]:
        """The application for the result of a module: its environment may hold a secret."""
        shown = {**vars(self), 'command': list(self.command)}
        del shown['environment']
        return shown


def application_from(recorded: str) -> Application:
    """The application in JSON. Raises ValueError, TypeError if it is not the form of one."""
    fields = json.loads(recorded)
    return Application(**{**fields, 'command': tuple(fields['command'])})


def has_markup(value: str) -> bool:
    """Whether libvirt would change a variable: up to 11.3 it writes them to its XML as they are."""
    return any(character in value for character in '<>&')


def config_of(document: object) -> Config:
    """The valid configuration in that of an image. Raises ValueError."""
    outer = document if isinstance(document, dict) else {}
    config = outer.get('config') or {}
    if not isinstance(config, dict):
        raise ValueError('config is not an object')
    command = (*_texts(config, 'Entrypoint'), *_texts(config, 'Cmd'))
    _check_texts(command, 'Entrypoint and Cmd')
    environment = {'PATH': _PATH}
    for entry in _texts(config, 'Env'):
        name, _equals, value = entry.partition('=')
        environment[name] = value
    _check_environment(environment)
    return Config(
        command,
        environment,
        _text(config, 'WorkingDir') or '/',
        _user(_text(config, 'User')),
        _signal(_text(config, 'StopSignal') or 'SIGTERM'),
    )


def _text(config: Mapping[str, object], key: str) -> str:
    value = config.get(key) or ''
    if not isinstance(value, str):
        raise ValueError(f'{key} is not a text')
    return value


def _texts(config: Mapping[str, object], key: str) -> List[str]:
    value = config.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'{key} is not a list of texts')
    return value


def _check_texts(texts: Tuple[str, ...], what: str) -> None:
    if len(texts) > _MOST_WORDS or sum(map(len, texts)) > _MOST_TEXT:
        raise ValueError(f'{what}: more than {_MOST_WORDS} items or {_MOST_TEXT} characters')
    if not all(_TEXT.fullmatch(text) for text in texts):
        raise ValueError(f'{what}: it has control characters')


def _check_environment(environment: Mapping[str, str]) -> None:
    _check_texts((*environment, *environment.values()), 'Env')
    for name in environment:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f'Env: {name[:64]!r} is not the name of a variable')


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise ValueError(f'User: {text[:64]!r} is not a user')
    return text


def _signal(text: str) -> int:
    """The number of a signal by its name, with or without SIG, or its number."""
    if text.isdecimal() and len(text) < 3:
        return int(text)
    name = text if text.startswith('SIG') else f'SIG{text}'
    real_time = _REAL_TIME.fullmatch(name)
    if real_time:
        return _FIRST_REAL_TIME + int(real_time.group(1) or 0)
    if name not in signal.Signals.__members__:
        raise ValueError(f'StopSignal: {text[:64]!r} is not a signal')
    return signal.Signals[name].value
