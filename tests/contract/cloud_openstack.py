# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An OpenStack that the suite runs on: two entries of clouds.yaml, of a member and of its operator.

Their names are ``devstack`` and ``devstack-admin``, or those in the variables OPENSTACK_MEMBER and
OPENSTACK_ADMIN. Without the variable OS_CLIENT_CONFIG_FILE it is the one of tests/openstack, which
is started. What is listed here does not pass through the backend.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.clouds import open_cloud
from ansible_collections.hanok.cloud.plugins.module_utils._model.rule import ForeignRule
from ansible_collections.hanok.cloud.plugins.module_utils._openstack.api import api
from ansible_collections.hanok.cloud.tests.contract.clouds import (
    CAN,
    CloudUnderTest,
    run_in_process,
)
from ansible_collections.hanok.cloud.tests.contract.promises import Result
from ansible_collections.hanok.cloud.tests.openstack.running import running_openstack

MEMBER = os.environ.get('OPENSTACK_MEMBER', 'devstack')
ADMIN = os.environ.get('OPENSTACK_ADMIN', 'devstack-admin')
Raw = dict[str, Any]


class Listing(NamedTuple):
    """A list of a service. ``key``: of the items in the answer."""

    service: str
    path: str
    key: str


LISTS = (
    Listing('compute', '/servers/detail', 'servers'),
    Listing('compute', '/os-keypairs', 'keypairs'),
    Listing('compute', '/flavors/detail', 'flavors'),
    Listing('image', '/v2/images', 'images'),
    Listing('image', '/v2/images?os_hidden=true', 'images'),
    Listing('block-storage', '/volumes/detail', 'volumes'),
    Listing('block-storage', '/snapshots/detail', 'snapshots'),
    Listing('network', '/v2.0/networks', 'networks'),
    Listing('network', '/v2.0/subnets', 'subnets'),
    Listing('network', '/v2.0/routers', 'routers'),
    Listing('network', '/v2.0/ports', 'ports'),
    Listing('network', '/v2.0/security-groups', 'security_groups'),
    Listing('network', '/v2.0/floatingips', 'floatingips'),
    Listing('load-balancer', '/v2/lbaas/loadbalancers', 'loadbalancers'),
    Listing('load-balancer', '/v2/lbaas/listeners', 'listeners'),
    Listing('load-balancer', '/v2/lbaas/pools', 'pools'),
    Listing('load-balancer', '/v2/lbaas/healthmonitors', 'healthmonitors'),
)
MICROVERSIONS = {'compute': '2.83', 'block-storage': '3.42'}


class Services:
    """The services of an OpenStack as the user of an entry of clouds.yaml reaches them."""

    def __init__(self, entry: str) -> None:
        """Sign in."""
        from openstack.config import OpenStackConfig

        self.session = OpenStackConfig().get_one(cloud=entry).get_session()
        self.project_id: str = self.session.get_project_id()

    def send(self, method: str, service: str, path: str, body: object = None) -> Raw:
        """Send a request; return the answer, which may be empty."""
        options: Raw = {} if body is None else {'json': body}
        answer = self.session.request(
            path,
            method,
            endpoint_filter={'service_type': service, 'interface': 'public'},
            microversion=MICROVERSIONS.get(service),
            **options,
        )
        found: Raw = answer.json() if answer.content else {}
        return found

    def list(self, listing: Listing) -> list[Raw]:
        """The items of a list that are those of the project, or of no project."""
        items = self.send('GET', listing.service, listing.path)[listing.key]
        items = [item.get('keypair', item) for item in items]
        owners = ('project_id', 'tenant_id', 'owner')
        own = {None, self.project_id}
        return [item for item in items if {item.get(owner) for owner in owners} <= own]

    def named(self, path: str, name: str) -> Raw:
        """The only item of a name in one of the lists."""
        (listing,) = (listing for listing in LISTS if listing.path == path)
        (found,) = (item for item in self.list(listing) if item['name'] == name)
        return found

    def everything(self) -> dict[str, list[Raw]]:
        """All lists, side by side."""
        with ThreadPoolExecutor(len(LISTS)) as pool:
            return {
                listing.path: items
                for listing, items in zip(LISTS, pool.map(self.list, LISTS), strict=True)
            }


def opened(folder: Path) -> Iterator[CloudUnderTest]:
    """A project of an OpenStack; modules run in this process, and sign in once for all."""
    with_clouds_yaml()
    member = Services(MEMBER)
    image = folder / 'small.qcow2'
    command = ('qemu-img', 'create', '-q', '-f', 'qcow2')
    subprocess.run([*command, str(image), '1M'], check=True)

    def remains() -> Mapping[str, list[str]]:
        return {
            path: sorted(item['id'] if 'id' in item else item['name'] for item in items)
            for path, items in member.everything().items()
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, 'open_region', functools.cache(api.open_region))
        yield CloudUnderTest(
            MEMBER,
            run,
            lambda project='default', kind='': open_cloud(entry_of(kind), project, 'tester', 60),
            member.everything,
            remains,
            str(image),
            add_foreign_rule=functools.partial(add_foreign_rule, member),
            can=CAN['openstack'],
        )


def with_clouds_yaml() -> None:
    """Start the OpenStack of the tests, unless a clouds.yaml is given."""
    if 'OS_CLIENT_CONFIG_FILE' not in os.environ:
        os.environ['OS_CLIENT_CONFIG_FILE'] = str(running_openstack())


def entry_of(kind: str) -> str:
    """The entry whose user may do everything with a kind: flavors belong to the operator."""
    return ADMIN if kind == 'flavor' else MEMBER


def run(module: str, check: bool = False, **options: Any) -> Result:
    """Run a module as the user who may do that."""
    return run_in_process(module, check, **{'cloud': entry_of(module), **options})


def add_foreign_rule(member: Services, name: str, rule: ForeignRule) -> None:
    """Add a rule whose protocol is the first word of its text."""
    group = member.named('/v2.0/security-groups', name)
    body = {
        'security_group_id': group['id'],
        'direction': rule.direction,
        'protocol': rule.text.split()[0],
        'ethertype': 'IPv4',
    }
    member.send('POST', 'network', '/v2.0/security-group-rules', {'security_group_rule': body})
