# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key pairs: what was asked and what is there -> what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Dict

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.keypair import TABLE, KeyFile, Keypair, KeypairRequest, fingerprint, is_same_key


@dataclass(frozen=True)
class ObservedKeypairs:
    """Key pairs by name, and the private key file of the request if it is there."""

    keypairs: Mapping[str, Keypair]
    key_file: KeyFile | None = None


def plan(request: KeypairRequest, observed: ObservedKeypairs) -> Plan:
    """Make, keep or delete one key pair."""
    draft, current = Draft(), observed.keypairs.get(request.name)
    draft.refused += request.problems()
    if request.state == 'absent':
        if current:
            _delete(current, draft)
    elif current is None:
        _create(request, observed.key_file, draft)
    else:
        _keep(request, current, observed.key_file, draft)
    return draft.finish(('private_key', 'create'), ('keypair', 'create'))


def _delete(current: Keypair, draft: Draft) -> None:
    if current.used_by:
        draft.refused.append(
            f'keypair {current.name} is used by {", ".join(current.used_by)}; delete those servers first'
        )
    draft.add('keypair', 'delete', current, None)


def _create(request: KeypairRequest, key_file: KeyFile | None, draft: Draft) -> None:
    key = request.options.get('public_key')
    if key is None and request.private_key_file is None:
        draft.refused.append(
            f'keypair {request.name} does not exist; to create it, also set public_key or public_key_file, or private_key_file to generate one'
        )
    if request.private_key_file and key is None:
        key_file = key_file or draft.add(
            'private_key', 'create', None, KeyFile(request.private_key_file)
        )
        key = key_file.public_key
    known: Dict[str, Any] = {
        option: value for option, value in request.options.items() if option != 'public_key'
    }
    known.update(
        {} if key in (None, AFTER_APPLY) or draft.refused else {'fingerprint': fingerprint(key)}
    )
    draft.result.append(
        draft.add('keypair', 'create', None, Keypair(request.name, key or AFTER_APPLY, **known))
    )


def _keep(
    request: KeypairRequest, current: Keypair, key_file: KeyFile | None, draft: Draft
) -> None:
    options = dict(request.options)
    if 'public_key' in options and is_same_key(options['public_key'], current.public_key):
        del options['public_key']  # a comment is no part of a key
    kept = draft.update('keypair', current, options, TABLE)
    if request.private_key_file and key_file is None:
        draft.refused.append(
            f'private_key_file: {request.private_key_file} is not there, and the private key of {current.name} was given out once, when it was made; '
            'put the file back, leave the option out, or delete the key pair and make a new one'
        )
    if key_file and not is_same_key(key_file.public_key, current.public_key):
        draft.refused.append(
            f'private_key_file: {key_file.name} holds another key than {current.name} ({current.fingerprint}); name another file'
        )
    draft.result.append(kept)
