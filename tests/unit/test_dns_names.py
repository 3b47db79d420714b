# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A DNS name in a network belongs to one server or balancer; DNS names are case-insensitive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.balancer.lbs import LocalLbs
from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.server_writer import (
    ServerWriter,
)
from ansible_collections.hanok.cloud.plugins.module_utils._local.network.dns_names import dns_owners
from ansible_collections.hanok.cloud.plugins.module_utils._local.record.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb, LbRequest, Listener
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.nic_request import NicRequest
from ansible_collections.hanok.cloud.plugins.module_utils._model.secret import NO_SECRETS
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    Nic,
    Server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import ServerRequest
from ansible_collections.hanok.cloud.plugins.module_utils._plan import lb, server
from ansible_collections.hanok.cloud.plugins.module_utils._plan.server_observations import (
    ObservedServers,
)

NETWORKS = {
    'default': Network('default', '192.168.0.0/24', '192.168.0.1'),
    'back': Network('back', '10.0.0.0/24', '10.0.0.1'),
}
TAKEN = {('default', 'web'): ('server Web',), ('default', 'web-1'): ('lb web-1', 'server Web-1')}
SERVER = Server('web', flavor='g1.nano', vcpus=1, memory=128, image='i', volume_size=1)
LB = Lb('shop', listeners=(Listener(80),))


def refusal(name: str, owners: str) -> str:
    """The message of a refusal."""
    return (
        f'name: {name} is already the DNS name of {owners} in network default '
        '(case-insensitive); use another name, or another network'
    )


def refused(owners: dict[Any, Any], current: Server | None = None, **more: Any) -> tuple[str, ...]:
    """The refusals of a server web, or of a group of them."""
    request = ServerRequest('web', 'present', {'flavor': 'f', 'image': 'i'}, **more)
    existing = {} if current is None else {current.name: current}
    observed = ObservedServers(existing, networks=NETWORKS, dns_owners=owners)
    return server.plan(request, observed).refused


def test_a_name_that_differs_only_in_case_is_in_use() -> None:
    """For a server and for members of a group; the refusal names the owner."""
    assert refused(TAKEN) == (refusal('web', 'server Web'),)
    assert refused(TAKEN, count=2) == (refusal('web-1', 'lb web-1, server Web-1'),)
    both = (NicRequest('back'), NicRequest('default'), NicRequest('default'))
    assert refused(TAKEN, networks=both) == (refusal('web', 'server Web'),)


def test_another_network() -> None:
    """The name is not in use there."""
    assert refused(TAKEN, networks=(NicRequest('back'),)) == ()


def test_an_existing_server_keeps_its_name() -> None:
    """A server that shares its name since an older version, also one that is being created."""
    shared = {('default', 'web'): ('server Web', 'server web')}
    assert refused(shared, replace(SERVER, flavor='f')) == ()
    creating = replace(SERVER, unfinished='creating', flavor='f', launched=True)
    assert refused(shared, creating) == ()


def test_a_recreated_server_is_new() -> None:
    """Its own name is allowed, that of another server is not."""
    deleting, own = replace(SERVER, unfinished='deleting'), {('default', 'web'): ('server web',)}
    assert refused(own, deleting) == ()
    assert refused(TAKEN, deleting) == (refusal('web', 'server Web'),)
    not_launched = replace(SERVER, unfinished='creating', launched=False)
    assert refused(own, not_launched) == ()
    assert refused(TAKEN, not_launched) == (refusal('web', 'server Web'),)


def test_balancers_have_dns_names_too() -> None:
    """A balancer with the name of a server, and with that of another balancer in another case."""
    owners = {('default', 'shop'): ('lb SHOP', 'server shop')}
    request = LbRequest('shop', 'present', {'listeners': LB.listeners})
    planned = lb.plan(request, lb.ObservedLbs({}, NETWORKS, dns_owners=owners))
    assert planned.refused == (refusal('shop', 'lb SHOP, server shop'),)
    elsewhere = replace(request, options={**request.options, 'network': 'back'})
    assert lb.plan(elsewhere, lb.ObservedLbs({}, NETWORKS, dns_owners=owners)).refused == ()
    assert lb.plan(request, lb.ObservedLbs({'shop': LB}, NETWORKS, dns_owners=owners)).refused == ()


# -- the record ----------------------------------------------------------------------------------


class Recorded(Exception):
    """The names were recorded: the test ends here."""


class Firewalls:
    """The firewalls, which a run applies after it has recorded new servers or balancers."""

    def apply(self) -> None:
        """End the test."""
        raise Recorded


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Any]:
    """A host with two recorded networks and an image."""
    record = Record(str(tmp_path), 'me')
    record.writer.open()
    for network in NETWORKS.values():
        values = {'uuid': network.name, 'description': '', 'labels': '{}'}
        record.writer.insert_row(
            'network',
            {**values, 'name': network.name, 'cidr': network.cidr, 'gateway': network.gateway},
        )
    record.writer.insert_row(
        'image', {'uuid': 'i', 'name': 'i', 'source': 'path:/i', 'description': '', 'labels': '{}'}
    )
    yield SimpleNamespace(record=record, pools=())
    record.sql.close()


def write(host: Any, *items: Any) -> None:
    """Record servers or balancers as a run that creates them does."""
    changes = [Change('x', item.name, 'create', None, item) for item in items]
    firewalls: Any = Firewalls()
    writer: Any = ServerWriter(host, firewalls, NO_SECRETS)
    writer._build = lambda _changes: firewalls.apply()
    create: Any = partial(writer.create, existing=())
    if isinstance(items[0], Lb):
        create = LocalLbs(host, firewalls).create
    with pytest.raises(Recorded):
        create(changes)


def owners(host: Any, *names: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The owners of these names."""
    return dns_owners(host.record, names)


def test_owners_of_names(host: Any) -> None:
    """Servers and balancers, by network; one with two connections is listed once."""
    write(host, replace(SERVER, name='Web', networks=(Nic('default'), Nic('default'), Nic('back'))))
    write(host, LB)
    assert owners(host, 'wEB', 'SHOP', 'other') == {
        ('back', 'web'): ('server Web',),
        ('default', 'web'): ('server Web',),
        ('default', 'shop'): ('lb shop',),
    }


def test_of_two_runs_at_once_one_gets_the_name(host: Any) -> None:
    """The second run has planned before the first one recorded: none of its items is recorded."""
    write(host, SERVER)
    other = replace(SERVER, name='other')
    for late in ([other, replace(SERVER, name='WEB')], [replace(LB, name='web')]):
        with pytest.raises(
            CloudError, match=r'(lb web|server WEB) and server web would have the same DNS'
        ):
            write(host, *late)
    assert owners(host, 'web', 'other') == {('default', 'web'): ('server web',)}
    write(host, replace(SERVER, name='WEB', networks=(Nic('back'),)))


def test_an_interrupted_creation_continues(host: Any) -> None:
    """Also of an item that shares its name since an older version."""
    write(host, SERVER)
    write(host, LB)
    with host.record.writer.transaction() as sql:
        sql.execute("UPDATE main.balancer SET name = 'WEB'")
    write(host, replace(LB, name='WEB'))
    assert owners(host, 'web') == {('default', 'web'): ('lb WEB', 'server web')}
