# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load balancers are created, whole by one request, and deleted.

The floating IP that one is to have is written with that request, and removed when it has it: the
next run completes it if this one is killed.
"""

from __future__ import annotations

from typing import List
from uuid import uuid4

from ..._cloud import CloudError, NoAnswer, Outcomes
from ..._model.change import AFTER_APPLY, Change, Changes
from ..._model.lb import Lb
from ..api.api import Api, Body, Raw
from ..api.lists import all_networks
from ..api.marks import from_tags, to_tags
from ..api.names import age, ids_of, is_own
from ..api.parallel import each
from ..api.polling import await_one
from ..api.services import BALANCER
from ..network.floating_ip_writer import FloatingIpWriter
from ..network.tags import is_ours as is_our_network
from .lb_bodies import lb_body
from .lb_marks import AUTO, PENDING, TOKEN, is_ours, own
from .lb_steps import LBS, addresses_of, await_active, found_lb


class LbWriter:
    """Creates and deletes load balancers of a project."""

    def __init__(self, api: Api) -> None:
        """``api``: the services, as the project sees them."""
        self.api = api

    def create(self, changes: Changes) -> Outcomes:
        """Create load balancers; those that an earlier run, or another one, began are completed."""
        return each(changes, self._create)

    def _create(self, change: Change) -> None:
        lb = change.new(Lb)
        raw = min(self._named(lb.name), key=age, default=None)
        if raw is None:
            raw = self._request(lb)
        raw = await_active(self.api, raw['id'])
        wanted = own(raw, PENDING)
        if wanted:
            address = AFTER_APPLY if wanted == AUTO else wanted
            writer = FloatingIpWriter(self.api)
            writer.give(raw['vip_port_id'], address)
            self._remove_mark(raw)

    def _named(self, name: str) -> List[Raw]:
        found = self.api.pages(BALANCER, LBS, 'loadbalancers', name=name)
        return [raw for raw in found if is_own(raw, self.api.project_id)]

    def _request(self, lb: Lb) -> Raw:
        """Create a balancer; if another run does the same, return that of the first.

        Times have only seconds: when this one is active, that of the first is there to be seen, and
        only then could it be deleted.
        """
        api = self.api
        networks = all_networks(api)
        ids = ids_of('network', networks, [lb.network], api.project_id, is_our_network)
        network_id = ids[lb.network]
        addresses = addresses_of(api, lb.members, network_id)
        token = str(uuid4())
        marks = {
            'created_by': api.actor,
            TOKEN: token,
            PENDING: AUTO if lb.floating_ip == AFTER_APPLY else lb.floating_ip,
        }
        body = lb_body(lb, network_id, marks, addresses)
        created = await_active(api, self._created(lb.name, body, token)['id'])
        ours = filter(is_ours, self._named(lb.name))
        first = min(ours, key=age, default=created)
        if first['id'] != created['id']:
            self._delete_one(created)
            api.notes.append(
                f'lb {lb.name}: another run created it at the same time; the second one was deleted'
            )
        return first

    def _created(self, name: str, body: Body, token: str) -> Raw:
        """Create a balancer; if there is no answer, find the one that was created."""
        try:
            answer = self.api.post(BALANCER, LBS, {'loadbalancer': body})
        except NoAnswer:
            for raw in self._named(name):
                if own(raw, TOKEN) == token:
                    return raw
            raise
        created: Raw = answer['loadbalancer']
        return created

    def _remove_mark(self, raw: Raw) -> None:
        """Remove the mark of a floating IP that a balancer has now."""
        current = raw['tags']
        marks = from_tags(current)
        own_marks = {**marks.own, PENDING: None}
        tags = to_tags(marks.labels, own_marks, current)
        body = {'loadbalancer': {'tags': tags}}
        self.api.put(BALANCER, f'{LBS}/{raw["id"]}', body)
        await_active(self.api, raw['id'])

    def delete(self, changes: Changes) -> Outcomes:
        """Delete load balancers; those that are gone already are no error."""
        return each(changes, self._delete)

    def _delete(self, change: Change) -> None:
        """Delete a balancer, and doubles of it that a run that was killed has left."""
        found = self._named(change.name)
        doomed = [raw for raw in found if raw['id'] == change.id]
        if any(map(is_ours, doomed)):
            others = [raw for raw in found if raw['id'] != change.id]
            doomed += filter(is_ours, others)
        for raw in doomed:
            self._delete_one(raw)

    def _delete_one(self, raw: Raw) -> None:
        """Delete a balancer with all its parts, and wait until it is gone.

        Its floating IP goes first: it would stay, and cost, if this run were killed after it.
        """
        api = self.api
        identity = raw['id']
        FloatingIpWriter(api).release([raw['vip_port_id']])
        await_one(api, lambda: self._unless_pending(identity))
        api.delete(BALANCER, f'{LBS}/{identity}', query={'cascade': 'true'})
        await_one(api, lambda: self._not_gone(identity))

    def _not_gone(self, identity: str) -> str:
        """Why a balancer that is being deleted is not gone. Raises CloudError if it will not be."""
        status = self._status(identity)
        if status in ('', 'DELETED'):
            return ''
        if status == 'ERROR':
            raise CloudError(
                'Octavia did not delete it: its provisioning_status is ERROR; run the task '
                'again, or ask the operator of the cloud'
            )
        return f'its provisioning_status is {status}'

    def _unless_pending(self, identity: str) -> str:
        """Why a balancer cannot be deleted now; empty if it can, or is being deleted."""
        status = self._status(identity)
        if status not in _BUSY:
            return ''
        return f'its provisioning_status is {status}'

    def _status(self, identity: str) -> str:
        """The status of a balancer; empty if it does not exist."""
        current = found_lb(self.api, identity)
        if current is None:
            return ''
        return str(current['provisioning_status'])


_BUSY = ('PENDING_CREATE', 'PENDING_UPDATE')
