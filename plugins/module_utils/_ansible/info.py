# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The _info modules: list items by name and labels, filtered by a JMESPath expression."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from .._cloud import Cloud, CloudError, Invalid
from .._model.checks import labels_of
from .._model.kinds import KINDS
from .module import create_module
from .operations import items_of
from .run import opened

if TYPE_CHECKING:
    from .._cloud.capabilities import Upkeep

ARGUMENTS: Dict[str, Any] = {
    'name': {'type': 'str'},
    'labels': {'type': 'dict', 'default': {}},
    'query': {'type': 'str'},
    'all_projects': {'type': 'bool', 'default': False},
}
Observe = Callable[[Cloud, Dict[str, Any]], Sequence[Dict[str, Any]]]


def main(kind: str) -> None:
    """Run the _info module of a kind."""
    run_info(kind, partial(_list, kind))


def run_info(kind: str, observe: Observe, arguments: Mapping[str, Any] | None = None) -> None:
    """Run an _info module that observes in its own way, with options of its own."""
    of = KINDS[kind]
    options = {**ARGUMENTS, **(arguments or {})}
    run_query(of.plural, options, partial(_observed, observe), of.is_networked, kind)


def run_query(
    key: str,
    arguments: Mapping[str, Any],
    observe: Callable[[Cloud, Dict[str, Any]], object],
    is_networked: bool,
    kind: str = '',
) -> None:
    """Run a module that changes nothing; ``key``: the key of its result."""

    def result(cloud: Cloud, params: Dict[str, Any]) -> Mapping[str, object]:
        return {key: observe(cloud, params)}

    run_reading(arguments, result, is_networked, kind)


def run_reading(
    arguments: Mapping[str, Any],
    observe: Callable[[Cloud, Dict[str, Any]], Mapping[str, object]],
    is_networked: bool,
    kind: str = '',
) -> None:
    """Run a module that changes nothing; ``observe`` returns its result.

    Faults of the host that affect the result become warnings.
    """
    module = create_module(arguments, kind=kind)
    try:
        with opened(module) as cloud:
            upkeep = cloud.upkeep if is_networked else None
            found = observe(cloud, module.params)
            needed = _upkeep_notes(upkeep, cloud.profile.place) if upkeep else []
            notes = [*cloud.notes, *needed]
        for note in notes:
            module.warn(note)
        module.exit_json(changed=False, **found)
    except Exception as error:
        module.fail(error)


def _upkeep_notes(upkeep: Upkeep, place: str) -> List[str]:
    """What differs from the record, so that the result may not be true."""
    *most, last = (kind.title for kind in KINDS.values() if kind.is_networked)
    kinds = ', '.join(most)
    return [
        f'{place} differs from the record: {change.why}; '
        f'the next task that manages a {kinds} or {last} repairs it'
        for change in upkeep.changes()
    ]


def _list(kind: str, cloud: Cloud, params: Dict[str, Any]) -> Sequence[Dict[str, Any]]:
    name = params['name']
    items = items_of(cloud, kind).list(None if name is None else [name])
    return [item.public() for item in items]


def _observed(observe: Observe, cloud: Cloud, params: Dict[str, Any]) -> object:
    select = selection(params)
    found: List[Dict[str, Any]] = []
    for project, one in projects_of(cloud, params):
        found += in_project(project, observe(one, params))
    return select(found)


def projects_of(cloud: Cloud, params: Dict[str, Any]) -> Iterable[Tuple[str, Cloud]]:
    """Return the project of the task, or all of them one after the other, with their cloud."""
    return cloud.each_project() if params['all_projects'] else [(params['project'], cloud)]


def in_project(project: str, items: Iterable[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return items with their project."""
    return [{**item, 'project': project} for item in items]


def selection(params: Dict[str, Any]) -> Callable[[Sequence[Dict[str, Any]]], object]:
    """Return what selects items by the options of all _info modules, which it checks at once."""
    query = _compiled(params['query'])
    labels = labels_of(params['labels'])

    def select(items: Sequence[Dict[str, Any]]) -> object:
        found = [item for item in items if labels.items() <= item['labels'].items()]
        return query(found) if query else found

    return select


def _compiled(text: str | None) -> Callable[[object], object] | None:
    """Return a JMESPath filter, checked before anything is observed.

    See https://jmespath.org/specification.html.
    """
    if text is None:
        return None
    try:
        import jmespath
    except ImportError as error:
        raise CloudError(
            'query: python3-jmespath is not installed on this host; '
            'the role hanok.cloud.host installs it',
            'query',
        ) from error
    try:
        return partial(_search, text, jmespath.compile(text))
    except jmespath.exceptions.JMESPathError as error:
        problem = ' '.join(str(error).split())
        raise Invalid(
            f'query: {text!r} is not a JMESPath expression: {problem}', 'query'
        ) from error


def _search(text: str, expression: Any, found: object) -> object:
    import jmespath

    try:
        return expression.search(found)
    except jmespath.exceptions.JMESPathError as error:
        raise Invalid(f'query: {text!r} does not match the result: {error}', 'query') from error
