# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of init scripts."""

from __future__ import annotations

from collections.abc import Mapping

from .._model.change import Draft, Plan
from .._model.init_script import TABLE, InitScript, InitScriptRequest
from .common import plan_one


def plan(request: InitScriptRequest, observed: Mapping[str, InitScript]) -> Plan[InitScript]:
    """Create, update or delete one script; existing servers are not affected."""
    draft = Draft()
    current = observed.get(request.name)
    if current is None and request.state == 'present' and 'content' not in request.options:
        draft.refuse(
            'content',
            f'init_script {request.name} does not exist; to create it, also set content',
        )
    result = plan_one(
        'init_script',
        request,
        current,
        TABLE,
        lambda: InitScript(request.name, **{'content': '', **request.options}),
        draft,
    )
    return draft.finish(result)
