# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One name in the DNS of a network leads to one server or balancer: case does not count there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hanok.cloud.plugins.module_utils._cloud import CloudError
from ansible_collections.hanok.cloud.plugins.module_utils._local.lbs import LocalLbs
from ansible_collections.hanok.cloud.plugins.module_utils._local.record import Record
from ansible_collections.hanok.cloud.plugins.module_utils._local.servers import LocalServers
from ansible_collections.hanok.cloud.plugins.module_utils._model.change import Change
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import Lb, LbRequest, Listener
from ansible_collections.hanok.cloud.plugins.module_utils._model.network import Network
from ansible_collections.hanok.cloud.plugins.module_utils._model.server import (
    Nic,
    Server,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.server_request import (
    NicRequest,
    ServerRequest,
)
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
    """What is said."""
    return (
        f'name: {name} is the DNS name of {owners} in network default already '
        '(upper and lower case are the same there); choose another name, or another network'
    )


def refused(owners: dict[Any, Any], current: Server | None = None, **more: Any) -> tuple[str, ...]:
    """What speaks against a server web, or a group of them."""
    request = ServerRequest('web', 'present', {'flavor': 'f', 'image': 'i'}, **more)
    there = {} if current is None else {current.name: current}
    seen = ObservedServers(there, networks=NETWORKS, dns_owners=owners)
    return server.plan(request, seen).refused


def test_a_name_that_differs_in_case_only_is_taken() -> None:
    """For a server and for members of a group; who has it is told."""
    assert refused(TAKEN) == (refusal('web', 'server Web'),)
    assert refused(TAKEN, count=2) == (refusal('web-1', 'lb web-1, server Web-1'),)
    both = (NicRequest('back'), NicRequest('default'), NicRequest('default'))
    assert refused(TAKEN, networks=both) == (refusal('web', 'server Web'),)


def test_other_networks_have_names_of_their_own() -> None:
    """There the name is free."""
    assert refused(TAKEN, networks=(NicRequest('back'),)) == ()


def test_what_is_there_keeps_its_name() -> None:
    """One that shares it since an older version stays, also one whose making goes on as recorded."""
    shared = {('default', 'web'): ('server Web', 'server web')}
    assert refused(shared, replace(SERVER, flavor='f')) == ()
    begun = replace(SERVER, task_state='creating', flavor='f', launched=True)
    assert refused(shared, begun) == ()


def test_what_is_made_anew_is_new() -> None:
    """Its own name is no obstacle, another's is."""
    going, own = replace(SERVER, task_state='deleting'), {('default', 'web'): ('server web',)}
    assert refused(own, going) == ()
    assert refused(TAKEN, going) == (refusal('web', 'server Web'),)
    unmade = replace(SERVER, task_state='creating', launched=False)
    assert refused(own, unmade) == ()
    assert refused(TAKEN, unmade) == (refusal('web', 'server Web'),)


def test_balancers_are_in_the_dns_too() -> None:
    """A balancer by the name of a server, and by that of another balancer in another case."""
    owners = {('default', 'shop'): ('lb SHOP', 'server shop')}
    request = LbRequest('shop', 'present', {'listeners': LB.listeners})
    planned = lb.plan(request, lb.ObservedLbs({}, NETWORKS, dns_owners=owners))
    assert planned.refused == (refusal('shop', 'lb SHOP, server shop'),)
    elsewhere = replace(request, options={**request.options, 'network': 'back'})
    assert lb.plan(elsewhere, lb.ObservedLbs({}, NETWORKS, dns_owners=owners)).refused == ()
    assert lb.plan(request, lb.ObservedLbs({'shop': LB}, NETWORKS, dns_owners=owners)).refused == ()


# -- the record ----------------------------------------------------------------------------------


class Reached(Exception):
    """The names were written: what comes after that is not looked at."""


class Firewalls:
    """Where a run gets to when what is to be made is written."""

    def apply(self) -> None:
        """Get there."""
        raise Reached


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Any]:
    """A host with two networks and an image on record."""
    record = Record(str(tmp_path), 'me')
    record.write()
    for network in NETWORKS.values():
        values = {'uuid': network.name, 'description': '', 'labels': '{}'}
        record.insert(
            'network',
            {**values, 'name': network.name, 'cidr': network.cidr, 'gateway': network.gateway},
        )
    record.insert(
        'image', {'uuid': 'i', 'name': 'i', 'source': 'path:/i', 'description': '', 'labels': '{}'}
    )
    yield SimpleNamespace(record=record, pools=())
    record.sql.close()


def write(host: Any, *things: Any) -> None:
    """Write servers or balancers as the run that makes them does."""
    verbs: Any = LocalLbs if isinstance(things[0], Lb) else LocalServers
    resource = verbs(host, Firewalls(), *([] if verbs is LocalLbs else [{}]))
    if verbs is LocalServers:
        resource._build = lambda _changes: Firewalls().apply()
    with pytest.raises(Reached):
        resource.create([Change('x', thing.name, 'create', None, thing) for thing in things])


def owners(host: Any, *names: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Who has these names."""
    return LocalServers(host, Firewalls(), {}).dns_owners(names)  # type: ignore[arg-type]


def test_who_has_a_name(host: Any) -> None:
    """Servers and balancers, by network; one with two connections has it once."""
    write(host, replace(SERVER, name='Web', networks=(Nic('default'), Nic('default'), Nic('back'))))
    write(host, LB)
    assert owners(host, 'wEB', 'SHOP', 'other') == {
        ('back', 'web'): ('server Web',),
        ('default', 'web'): ('server Web',),
        ('default', 'shop'): ('lb shop',),
    }


def test_of_two_runs_at_once_one_gets_the_name(host: Any) -> None:
    """The second one has planned before the first one wrote: nothing of what it makes is written."""
    write(host, SERVER)
    other = replace(SERVER, name='other')
    for late in ([other, replace(SERVER, name='WEB')], [replace(LB, name='web')]):
        with pytest.raises(
            CloudError, match=r'(lb web|server WEB) and server web would have the same DNS'
        ):
            write(host, *late)
    assert owners(host, 'web', 'other') == {('default', 'web'): ('server web',)}
    write(host, replace(SERVER, name='WEB', networks=(Nic('back'),)))


def test_what_was_begun_goes_on(host: Any) -> None:
    """Also what shares its name since an older version."""
    write(host, SERVER)
    write(host, LB)
    with host.record.transaction() as sql:
        sql.execute("UPDATE balancer SET name = 'WEB'")
    write(host, replace(LB, name='WEB'))
    assert owners(host, 'web') == {('default', 'web'): ('lb WEB', 'server web')}
