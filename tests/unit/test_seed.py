# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seed of a server: a YAML parser reads the values that were set."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute import seed


@pytest.mark.parametrize('name', ['web', '1', '007', '0x1f', '1e3', 'on', 'null', '2001-01-01'])
@pytest.mark.parametrize(
    'comment', ['', 'me@here', 'a: b', ' #1', '"x"', "it's", '한옥', '- x', '\\']
)
def test_meta_data(name: str, comment: str) -> None:
    """Names stay strings, and keys stay complete with any comment; each is on a line of its own."""
    key = f'ssh-ed25519 AAAA {comment}'.strip()
    text = seed._meta_data({'local-hostname': name}, [key])
    assert yaml.safe_load(text) == {'local-hostname': name, 'public-keys': [key]}
    assert len(text.splitlines()) == 3
    two_keys = seed._meta_data({}, [key, 'ssh-rsa B'])
    assert yaml.safe_load(two_keys) == {'public-keys': [key, 'ssh-rsa B']}
    assert 'public-keys' not in seed._meta_data({'local-hostname': name}, [])
