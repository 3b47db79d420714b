# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module keypair: parameters to requests, and observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from .._cloud import Cloud, Invalid, Names
from .._model.keypair import KeyFile, Keypair, KeypairRequest
from .._model.kinds import Verb
from .._model.public_key import is_private, normalized_key, public_key_problems
from .._plan.keypair import ObservedKeypairs, plan
from .module import actor_of
from .options import METADATA, NAME, STATE, metadata_options, specified_options
from .resource import Resource
from .run import run

if TYPE_CHECKING:
    from .operations import Operations

ARGUMENTS: Dict[str, Any] = {
    'name': NAME,
    'state': STATE,
    'public_key': {'type': 'str'},
    'public_key_file': {'type': 'path'},
    'private_key_file': {'type': 'path', 'no_log': False},
    **METADATA,
}


def request(params: Dict[str, Any]) -> KeypairRequest:
    """Return the request of the task."""
    options = {**specified_options(params, 'public_key'), **metadata_options(params)}
    if params['public_key_file'] is not None and params['state'] == 'present':
        options['public_key'] = _read(params['public_key_file'])
    if 'public_key' in options and not public_key_problems(options['public_key']):
        options['public_key'] = normalized_key(options['public_key'])
    return KeypairRequest(
        params['name'],
        params['state'],
        options,
        params['private_key_file'],
        params['wait_timeout'],
        actor_of(params),
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8') as file:
            return file.read(16384)
    except UnicodeDecodeError as error:
        raise Invalid(
            f'public_key_file: {path} is not UTF-8 text; '
            'save it as UTF-8, or use the file that ends in .pub',
            'public_key_file',
        ) from error
    except OSError as error:
        raise Invalid(
            f'public_key_file: {path} cannot be read: {error}', 'public_key_file'
        ) from error


def observe(cloud: Cloud, requested: KeypairRequest) -> Tuple[ObservedKeypairs, Names]:
    """Return the key pair, and the private key file if the task has one."""
    pairs = {pair.name: pair for pair in cloud.keypairs.list([requested.name])}
    observed = ObservedKeypairs(pairs, _key_file(requested))
    return observed, {('keypair', requested.name)}


def _key_file(requested: KeypairRequest) -> KeyFile | None:
    if requested.private_key_file is None or requested.state == 'absent':
        return None
    from .key_files import existing

    return existing(requested.private_key_file)


def reload(cloud: Cloud, planned: Sequence[Keypair]) -> Sequence[Keypair]:
    """Return the key pair after the changes."""
    return cloud.keypairs.list([pair.name for pair in planned])


def executors(cloud: Cloud, requested: KeypairRequest) -> Operations:
    """Return what creates private key files, and key pairs of them; neither deletes a file."""
    from .key_files import KeyFiles

    files = KeyFiles(cloud, requested.private_key_file, requested.wait_timeout)
    return {
        ('private_key', Verb.CREATE): files.create_files,
        ('keypair', Verb.CREATE): files.create_pairs,
    }


def secrets(params: Mapping[str, Any]) -> List[str]:
    """Return a private key that was set as public_key by mistake."""
    text = params.get('public_key')
    return [text] if isinstance(text, str) and is_private(text) else []


RESOURCE = Resource(
    'keypair',
    ARGUMENTS,
    request,
    observe,
    plan,
    reload,
    executors,
    secrets=secrets,
    rules={'mutually_exclusive': [('public_key', 'public_key_file')]},
)


def main() -> None:
    """Run the module."""
    run(RESOURCE)
