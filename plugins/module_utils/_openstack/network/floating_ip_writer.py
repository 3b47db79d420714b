# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs of servers and load balancers: those given to their ports, and taken from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..._cloud import NoAnswer
from ..._model.change import AFTER_APPLY
from ..api.api import Api, Body, Raw, Raws
from ..api.lists import all_floating_ips
from ..api.marks import OwnMarks
from ..api.services import NETWORK
from .pools import pool_id
from .tags import first_description, marks_of

PATH = '/floatingips'


class FloatingIpWriter:
    """Gives floating IPs to ports.

    What exists is read when it is created, once for any number of ports, and before threads start.
    """

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api
        self.existing = all_floating_ips(api)

    def give(self, port_id: str, wanted: str | None, fixed_ip: str | None = None) -> str | None:
        """Make a port have a floating address, and no other one; return the address.

        ``wanted``: an address; or AFTER_APPLY: the one that it has, else a new one; or None. An
        address that the project does not have is allocated. Both are automatic: released with what
        they were allocated for. ``fixed_ip``: for a port that has several.
        """
        current = [raw for raw in self.existing if raw['port_id'] == port_id]
        if wanted == AFTER_APPLY and current:
            return str(current[0]['floating_ip_address'])
        self._release_others(current, wanted)
        if wanted is None:
            return None
        target = {'port_id': port_id}
        if fixed_ip:
            target['fixed_ip_address'] = fixed_ip
        for raw in self.existing:
            if raw['floating_ip_address'] == wanted:
                attach(self.api, raw['id'], target)
                return wanted
        if wanted != AFTER_APPLY:
            target['floating_ip_address'] = wanted
        return self._allocate(target)

    def _release_others(self, current: Raws, wanted: str | None) -> None:
        for raw in current:
            if raw['floating_ip_address'] != wanted:
                self._release(raw)

    def _allocate(self, options: Mapping[str, object]) -> str:
        """Allocate an automatic address; return it."""
        own = {'automatic': '1', 'created_by': self.api.actor}
        pool = pool_id(self.api)
        created = allocate(self.api, pool, own, options)
        return str(created['floating_ip_address'])

    def release(self, port_ids: Collection[str], kept: str | None = None) -> None:
        """Take the floating IPs from ports, but for one; automatic ones are deleted."""
        for raw in self.existing:
            if raw['port_id'] in port_ids and raw['floating_ip_address'] != kept:
                self._release(raw)

    def release_automatic(self, port_ids: Collection[str]) -> None:
        """Delete the automatic floating IPs of ports whose server or balancer is being deleted.

        Others stay with ports that outlive it; Neutron detaches them from those that do not.
        """
        for raw in self.existing:
            if raw['port_id'] in port_ids and is_automatic(raw):
                self._release(raw)

    def _release(self, raw: Raw) -> None:
        if is_automatic(raw):
            self.api.delete(NETWORK, f'{PATH}/{raw["id"]}')
        else:
            attach(self.api, raw['id'], {'port_id': None})


def is_automatic(raw: Raw) -> bool:
    """Return whether a floating IP was allocated with what has it, and is released with it."""
    return marks_of(raw).own.get('automatic') == '1'


def attach(api: Api, identity: str, target: Mapping[str, object]) -> None:
    """Attach a floating IP to a port, or to none. Raises Gone if it does not exist any more."""
    api.put(NETWORK, f'{PATH}/{identity}', {'floatingip': target})


def allocate(
    api: Api,
    pool: str,
    own: OwnMarks,
    options: Mapping[str, object],
) -> Raw:
    """Allocate a floating IP; if there is no answer, find the one that was allocated."""
    body: Body = {
        'floating_network_id': pool,
        'description': first_description(own),
        **options,
    }
    try:
        answer = api.post(NETWORK, PATH, {'floatingip': body})
    except NoAnswer:
        body.pop('fixed_ip_address', None)
        for raw in api.pages(NETWORK, PATH, 'floatingips'):
            if _has(raw, body):
                return raw
        raise
    created: Raw = answer['floatingip']
    return created


def _has(raw: Raw, wanted: Mapping[str, object]) -> bool:
    return all(raw[key] == value for key, value in wanted.items())
