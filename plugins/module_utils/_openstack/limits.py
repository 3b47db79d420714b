# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The quotas of a project: each service keeps its own, and is asked only if something needs it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import chain
from typing import List, Tuple

from .._cloud import Unsupported
from .._model.needs import Limit
from .api.api import Api
from .api.parallel import together
from .api.services import BALANCER, COMPUTE, NETWORK, VOLUME, Service

# The limit and the usage in the answers of Nova and Cinder, by resource.
_COMPUTE = {
    'servers': ('maxTotalInstances', 'totalInstancesUsed'),
    'vcpus': ('maxTotalCores', 'totalCoresUsed'),
    'memory': ('maxTotalRAMSize', 'totalRAMUsed'),
}
_VOLUME = {
    'volumes': ('maxTotalVolumes', 'totalVolumesUsed'),
    'volume_size': ('maxTotalVolumeGigabytes', 'totalGigabytesUsed'),
}
_NETWORK = {'networks': 'network', 'ports': 'port', 'security_groups': 'security_group'}
_SECRET = (403, 404)  # a cloud that does not tell its members has to refuse by itself


def limits(api: Api, resources: Collection[str]) -> List[Limit]:
    """Return the quotas of some resources, the services side by side; -1 is no limit."""
    wanted = set(resources)
    calls: List[Callable[[], List[Limit]]] = []
    if wanted & set(_COMPUTE):
        calls.append(partial(_absolute, api, COMPUTE, _COMPUTE, wanted))
    if wanted & set(_VOLUME):
        calls.append(partial(_absolute, api, VOLUME, _VOLUME, wanted))
    if wanted & set(_NETWORK):
        calls.append(partial(_of_network, api, wanted))
    if 'lbs' in wanted:
        calls.append(partial(_of_balancers, api))
    found = chain.from_iterable(together(calls))
    return [limit for limit in found if limit.total >= 0]


def _absolute(
    api: Api,
    service: Service,
    keys: Mapping[str, Tuple[str, str]],
    resources: Collection[str],
) -> List[Limit]:
    answer = api.find(service, '/limits', _SECRET)
    values = answer.get('limits', {}).get('absolute', {})
    found: List[Limit] = []
    for resource, (total, used) in keys.items():
        if resource in resources and total in values and used in values:
            limit = Limit(resource, int(values[total]), int(values[used]))
            found.append(limit)
    return found


def _of_network(api: Api, resources: Collection[str]) -> List[Limit]:
    answer = api.find(NETWORK, f'/quotas/{api.project_id}/details.json', _SECRET)
    quotas = answer.get('quota', {})
    found: List[Limit] = []
    for resource, key in _NETWORK.items():
        quota = quotas.get(key)
        if not quota or resource not in resources:
            continue
        total = int(quota['limit'])
        used = int(quota['used'])
        reserved = int(quota['reserved'])
        limit = Limit(resource, total, used + reserved)
        found.append(limit)
    return found


def _of_balancers(api: Api) -> List[Limit]:
    """Return the quota of Octavia, which does not tell what is used."""
    if not api.offers(BALANCER):
        raise Unsupported(f'the cloud {api.cloud} has no service load-balancer')
    project = api.project_id
    answer = api.find(BALANCER, f'/quotas/{project}', _SECRET)
    quota = answer.get('quota', {})
    total = quota.get('load_balancer')
    if total is None or total < 0:
        return []
    found = api.listed(BALANCER, '/loadbalancers', 'loadbalancers')
    own = [lb for lb in found if lb['project_id'] == project]
    limit = Limit('lbs', total, len(own))
    return [limit]
