# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What check mode predicted, compared with what the run did."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.steps import past_tense
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import AFTER_APPLY
from ansible_collections.hanok.cloud.plugins.module_utils._model.kinds import Verb

Result = dict[str, Any]
NOTHING = {'before': '', 'after': ''}


def check_refusal(predicted: Result, done: Result) -> None:
    """Check that a run is refused as in check mode.

    A reference that does not exist is only a warning in check mode, because an earlier task may
    create it.
    """
    if predicted.get('failed'):
        assert predicted['msg'] == done['msg']
    else:
        assert 'refused' in done, done['msg']
        assert set(done['refused']) <= set(map(_text_of, predicted['warnings']))


def _text_of(warning: Any) -> Any:
    """The text of a warning; a module prints it with more around it."""
    return warning if isinstance(warning, str) else warning['event']['msg']


def check_result(predicted: Result, done: Result) -> None:
    """Check that the prediction is the result."""
    assert not predicted.get('failed'), predicted['msg']
    assert (predicted['changed'], predicted['diff']) == (done['changed'], done['diff'])
    expected = _prediction_of(done['msg']) if done['changed'] else done['msg']
    assert predicted['msg'] == expected
    assert _reasons(predicted) == _reasons(done)
    assert _wrong_predictions(_items(predicted), _items(done)) == []


def check_unchanged(done: Result) -> None:
    """Check that a run changes nothing."""
    assert not done.get('failed'), done['msg']
    assert not done['changed'], done['diff']
    assert done['diff'] == NOTHING


def _reasons(result: Result) -> list[tuple[str, str]]:
    return [(step['what'], step['why']) for step in result['steps']]


def _prediction_of(msg: str) -> str:
    """The message of check mode for a run with this message."""
    infinitives = {past_tense(verb): verb.infinitive for verb in Verb}
    past = re.compile(rf'(^|; )({"|".join(infinitives)})\b')
    return 'would ' + past.sub(lambda found: found[1] + infinitives[found[2]], msg)


def _items(result: Result) -> Result:
    """A result without its messages."""
    messages = ('warnings', 'msg', 'steps', 'deprecations')
    return {key: value for key, value in result.items() if key not in messages}


def _wrong_predictions(predicted: Any, result: Any, place: str = '') -> list[str]:
    """Where the result differs from the prediction: another shape, or another known value."""
    if predicted == AFTER_APPLY:
        return []
    if isinstance(predicted, dict) and isinstance(result, dict):
        found = (
            [f'{place}: {sorted(set(predicted) ^ set(result))}']
            if set(predicted) != set(result)
            else []
        )
        return found + [
            text
            for key in predicted
            if key in result
            for text in _wrong_predictions(predicted[key], result[key], f'{place}.{key}')
        ]
    if isinstance(predicted, list) and isinstance(result, list) and len(predicted) == len(result):
        return [
            text
            for number, pair in enumerate(zip(predicted, result, strict=True))
            for text in _wrong_predictions(*pair, f'{place}[{number}]')
        ]
    return [] if predicted == result else [f'{place}: predicted {predicted!r}, got {result!r}']
