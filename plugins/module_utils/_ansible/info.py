# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules that tell what there is: each by name, by labels, and by what a JMESPath expression makes of it."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Sequence

from .._cloud import Cloud, CloudError
from .._model.checks import labels_of
from .run import info

ARGUMENTS: Dict[str, Any] = {
    'name': {'type': 'str'},
    'labels': {'type': 'dict', 'default': {}},
    'query': {'type': 'str'},
}
Observe = Callable[[Cloud, Dict[str, Any]], Sequence[Any]]


def main(kind: str) -> None:
    """Be the twin of the module of a kind."""
    run_info(kind, partial(_observe, kind))


def run_info(kind: str, observe: Observe, arguments: Dict[str, Any] | None = None) -> None:
    """Be a twin that looks in a way of its own, and has options of its own."""
    info(kind + 's', {**ARGUMENTS, **(arguments or {})}, partial(_chosen, observe))


def _observe(kind: str, cloud: Cloud, params: Dict[str, Any]) -> Sequence[Any]:
    found: Sequence[Any] = getattr(cloud, kind + 's').list(
        None if params['name'] is None else [params['name']]
    )
    return [thing.public() for thing in found]


def _chosen(observe: Observe, cloud: Cloud, params: Dict[str, Any]) -> Any:
    query, labels = _compiled(params['query']), labels_of(params['labels'])
    found: List[Dict[str, Any]] = [
        shown for shown in observe(cloud, params) if labels.items() <= shown['labels'].items()
    ]
    return query(found) if query else found


def _compiled(text: str | None) -> Callable[[Any], Any] | None:
    """An expression, checked before anything is looked at (jmespath.org/specification.html)."""
    if text is None:
        return None
    try:
        import jmespath
    except ImportError as error:
        raise CloudError(
            'query: python3-jmespath is not installed on this host; the role hanok.cloud.host installs it'
        ) from error
    try:
        return partial(_searched, text, jmespath.compile(text))
    except jmespath.exceptions.JMESPathError as error:
        raise CloudError(
            f'query: {text!r} is not a JMESPath expression: {" ".join(str(error).split())}'
        ) from error


def _searched(text: str, expression: Any, found: Any) -> Any:
    import jmespath

    try:
        return expression.search(found)
    except jmespath.exceptions.JMESPathError as error:
        raise CloudError(f'query: {text!r} does not fit what is there: {error}') from error
