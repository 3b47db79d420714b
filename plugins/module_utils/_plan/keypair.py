# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of key pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import List

from .._model.change import AFTER_APPLY, Draft, Plan
from .._model.keypair import TABLE, KeyFile, Keypair, KeypairRequest, fingerprint, is_same_key
from .._model.kinds import Verb


@dataclass(frozen=True)
class ObservedKeypairs:
    """Key pairs by name, and the private key file of the request, if it exists."""

    keypairs: Mapping[str, Keypair]
    key_file: KeyFile | None = None


def plan(request: KeypairRequest, observed: ObservedKeypairs) -> Plan[Keypair]:
    """Create, update or delete one key pair."""
    draft = Draft()
    current = observed.keypairs.get(request.name)
    result: List[Keypair] = []
    draft.refused += request.problems()
    if request.state == 'absent':
        if current:
            _delete(current, draft)
    elif current is None:
        result.append(_create(request, observed.key_file, draft))
    else:
        result.append(_update(request, current, observed.key_file, draft))
    if current and draft.changes and not current.is_owned_by(request.actor):
        draft.refuse(
            'actor',
            f'keypair {current.name} belongs to {current.created_by}; only its owner may change or '
            f'delete it, and this task runs as {request.actor} (actor)',
        )
    return draft.finish(result, ('private_key', Verb.CREATE), ('keypair', Verb.CREATE))


def _delete(current: Keypair, draft: Draft) -> None:
    if current.used_by:
        draft.refuse(
            'state',
            f'keypair {current.name} is used by {", ".join(current.used_by)}; delete those servers '
            'first',
        )
    draft.add('keypair', Verb.DELETE, current, None)


def _create(request: KeypairRequest, key_file: KeyFile | None, draft: Draft) -> Keypair:
    key = request.options.get('public_key')
    if key is None and request.private_key_file is None:
        draft.refuse(
            'public_key',
            f'keypair {request.name} does not exist; to create it, also set public_key or '
            'public_key_file, or private_key_file to generate one',
        )
    if request.private_key_file and key is None:
        key_file = key_file or draft.add(
            'private_key', Verb.CREATE, None, KeyFile(request.private_key_file)
        )
        key = key_file.public_key
    pair = Keypair(request.name, **{**request.options, 'public_key': key or AFTER_APPLY})
    if pair.public_key != AFTER_APPLY and not draft.refused:
        pair = replace(pair, fingerprint=fingerprint(pair.public_key))
    return draft.add('keypair', Verb.CREATE, None, pair)


def _update(
    request: KeypairRequest,
    current: Keypair,
    key_file: KeyFile | None,
    draft: Draft,
) -> Keypair:
    options = dict(request.options)
    if 'public_key' in options and is_same_key(options['public_key'], current.public_key):
        del options['public_key']  # only the comment differs
    updated = draft.update('keypair', current, options, TABLE)
    if request.private_key_file and key_file is None:
        draft.refuse(
            'private_key_file',
            f'private_key_file: {request.private_key_file} does not exist, and the private key of '
            f'{current.name} was written only once, at its creation; restore the file, omit the '
            'option, or delete the key pair and create a new one',
        )
    if key_file and not is_same_key(key_file.public_key, current.public_key):
        draft.refuse(
            'private_key_file',
            f'private_key_file: {key_file.name} contains another key than {current.name} '
            f'({current.fingerprint}); use another file',
        )
    return updated
