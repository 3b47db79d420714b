# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that an OpenStack does not support are refused by name, in each module of their kind."""

from __future__ import annotations

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import (
    image,
    server,
    server_action,
    volume,
)
from ansible_collections.hanok.cloud.plugins.module_utils._ansible.translation import (
    unsupported_options,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.profile import Profile
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.profile import _UNSUPPORTED

PROFILE = Profile(unsupported=_UNSUPPORTED)


@pytest.mark.parametrize('arguments', [server.ARGUMENTS, server_action.ARGUMENTS])
def test_force(arguments: dict[str, object]) -> None:
    """Both modules of servers have it, and only one has guest_agent."""
    params = {**dict.fromkeys(arguments), 'force': True}
    (problem,) = unsupported_options(PROFILE, 'mycloud', 'server', params)
    assert (problem.option, problem.code) == ('force', 'unsupported')
    assert str(problem).startswith('force: the cloud mycloud does not support it: Nova shuts')
    assert unsupported_options(PROFILE, 'mycloud', 'server', {**params, 'force': False}) == []


def test_read_only_volumes() -> None:
    """They are refused, and volumes that are writable are not."""
    params = {**dict.fromkeys(volume.ARGUMENTS), 'servers': ['a'], 'read_only': True}
    (problem,) = unsupported_options(PROFILE, 'mycloud', 'volume', params)
    assert (problem.option, problem.code) == ('read_only', 'unsupported')
    params['read_only'] = False
    assert unsupported_options(PROFILE, 'mycloud', 'volume', params) == []


def test_iso_images() -> None:
    """A disk is what an image is in any case."""
    params = {**dict.fromkeys(image.ARGUMENTS), 'disk_format': 'iso'}
    (problem,) = unsupported_options(PROFILE, 'mycloud', 'image', params)
    assert (problem.option, problem.code) == ('disk_format', 'unsupported')
    params['disk_format'] = 'qcow2'
    assert unsupported_options(PROFILE, 'mycloud', 'image', params) == []
