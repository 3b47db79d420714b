# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The _info modules: list items by name and labels, filtered by a JMESPath expression."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Sequence

from .._cloud import Cloud, CloudError
from .._model.checks import labels_of
from .module import create_module
from .run import opened

ARGUMENTS: Dict[str, Any] = {
    'name': {'type': 'str'},
    'labels': {'type': 'dict', 'default': {}},
    'query': {'type': 'str'},
}
Observe = Callable[[Cloud, Dict[str, Any]], Sequence[Any]]
# The result keys of what depends on firewall rules, bridges and routes of the host.
_NETWORKED = ('servers', 'networks', 'ports', 'security_groups', 'floating_ips', 'lbs', 'topology')
_NETWORKED_KINDS = 'server, network, port, security group, floating IP or load balancer'


def main(kind: str) -> None:
    """Run the _info module of a kind."""
    run_info(kind, partial(_list, kind))


def run_info(kind: str, observe: Observe, arguments: Mapping[str, Any] | None = None) -> None:
    """Run an _info module that observes in its own way, with options of its own."""
    run_query(kind + 's', {**ARGUMENTS, **(arguments or {})}, partial(_filtered, observe))


def run_query(
    key: str, arguments: Mapping[str, Any], observe: Callable[[Cloud, Dict[str, Any]], Any]
) -> None:
    """Run a module that changes nothing; ``key``: the key of its result.

    Faults of the host that affect the result become warnings.
    """
    module = create_module(arguments)
    try:
        with opened(module) as cloud:
            found = observe(cloud, module.params)
            faults = cloud.firewalls.list()[0].faults if key in _NETWORKED else ()
            notes = [*cloud.notes, *(_fault_note(fault) for fault in faults)]
        for note in notes:
            module.warn(note)
        module.exit_json(changed=False, **{key: found})
    except Exception as error:
        module.fail(error)


def _fault_note(fault: str) -> str:
    return (
        f'this host differs from the record: {fault}; '
        f'the next task that manages a {_NETWORKED_KINDS} repairs it'
    )


def _list(kind: str, cloud: Cloud, params: Dict[str, Any]) -> Sequence[Any]:
    names = None if params['name'] is None else [params['name']]
    return [item.public() for item in getattr(cloud, kind + 's').list(names)]


def _filtered(observe: Observe, cloud: Cloud, params: Dict[str, Any]) -> Any:
    query, labels = _compiled(params['query']), labels_of(params['labels'])
    found: List[Dict[str, Any]] = [
        item for item in observe(cloud, params) if labels.items() <= item['labels'].items()
    ]
    return query(found) if query else found


def _compiled(text: str | None) -> Callable[[Any], Any] | None:
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
            'the role hanok.cloud.host installs it'
        ) from error
    try:
        return partial(_search, text, jmespath.compile(text))
    except jmespath.exceptions.JMESPathError as error:
        problem = ' '.join(str(error).split())
        raise CloudError(f'query: {text!r} is not a JMESPath expression: {problem}') from error


def _search(text: str, expression: Any, found: Any) -> Any:
    import jmespath

    try:
        return expression.search(found)
    except jmespath.exceptions.JMESPathError as error:
        raise CloudError(f'query: {text!r} does not match the result: {error}') from error
