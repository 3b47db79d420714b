# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The quotas of a project, and what it uses: each service keeps its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Dict, List, NamedTuple, Tuple

from ..._model.project import QUOTAS, UNLIMITED
from ..api.api import Api
from ..api.parallel import together
from ..api.services import BALANCER, COMPUTE, IMAGE, NETWORK, VOLUME, Service

Amounts = Dict[str, int]
_SECRET = (403, 404)


class _Quotas(NamedTuple):
    """The quotas of a service. ``read``, ``write``: paths; ``key``: of the body; ``names``."""

    service: Service
    read: str
    write: str
    key: str
    names: Mapping[str, str]


_SET = '/os-quota-sets/{}'
_SERVICES = (
    _Quotas(
        COMPUTE,
        f'{_SET}/detail',
        _SET,
        'quota_set',
        {'servers': 'instances', 'vcpus': 'cores', 'memory': 'ram'},
    ),
    _Quotas(
        VOLUME,
        f'{_SET}?usage=True',
        _SET,
        'quota_set',
        {'volumes': 'volumes', 'volume_size': 'gigabytes'},
    ),
    _Quotas(
        NETWORK,
        '/quotas/{}/details.json',
        '/quotas/{}',
        'quota',
        {
            'networks': 'network',
            'ports': 'port',
            'security_groups': 'security_group',
            'security_group_rules': 'security_group_rule',
            'floating_ips': 'floatingip',
        },
    ),
    _Quotas(BALANCER, '/quotas/{}', '/quotas/{}', 'quota', {'lbs': 'load_balancer'}),
)
_USED = ('in_use', 'used')  # in the words of Nova and Cinder, and of Neutron


def quotas_and_usage(api: Api, project: str) -> Tuple[Amounts, Amounts]:
    """Return the quotas that there are, and what is used, of services that show them to the user.

    The security group default, which Neutron makes, is not counted.
    """
    found = together([partial(_read, api, one, project) for one in _offered(api)])
    limits: Amounts = {}
    used: Amounts = {}
    for more_limits, more_used in found:
        limits.update(more_limits)
        used.update(more_used)
    used['security_groups'] = max(0, used.get('security_groups', 0) - 1)
    used['images'] = len(api.pages(IMAGE, '/images', 'images', owner=project))
    order = (*QUOTAS, 'images')
    return (
        {name: limits[name] for name in QUOTAS if limits.get(name, UNLIMITED) != UNLIMITED},
        {name: used[name] for name in order if used.get(name)},
    )


def _offered(api: Api) -> List[_Quotas]:
    return [one for one in _SERVICES if one.service != BALANCER or api.offers(BALANCER)]


def _read(api: Api, quotas: _Quotas, project: str) -> Tuple[Amounts, Amounts]:
    answer = api.find(quotas.service, quotas.read.format(project), _SECRET)
    values = answer.get(quotas.key, {})
    if quotas.service == BALANCER:  # it does not tell what is used
        query = {'project_id': project}
        lbs = api.pages(BALANCER, '/loadbalancers', 'loadbalancers', **query) if values else ()
        values = {'load_balancer': {'limit': values.get('load_balancer'), 'used': len(lbs)}}
    limits: Amounts = {}
    used: Amounts = {}
    for name, key in quotas.names.items():
        value = values.get(key) or {}
        if value.get('limit') is not None:
            limits[name] = int(value['limit'])
        used[name] = sum(int(value.get(word, 0)) for word in _USED)
    return limits, used


def quotas_problem(api: Api, options: Mapping[str, Any]) -> str:
    """Return why the cloud has no such quota; empty if it has all of them."""
    wanted = options.get('quotas', {})
    known = {name for one in _offered(api) for name in one.names}
    unknown = [name for name in wanted if name not in known]
    if not unknown:
        return ''
    return f'quotas: the cloud {api.cloud} has none for {", ".join(unknown)}; omit it'


def set_quotas(api: Api, project: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Set the quotas that differ; one that is no longer there is no limit."""
    for quotas in _offered(api):
        values = {
            key: after.get(name, UNLIMITED)
            for name, key in quotas.names.items()
            if before.get(name) != after.get(name)
        }
        if values and quotas.service == COMPUTE:
            values['force'] = True  # also below what is used
        if values:
            api.put(quotas.service, quotas.write.format(project), {quotas.key: values})


def reset_quotas(api: Api, project: str) -> None:
    """Forget the quotas of a project that is deleted."""
    for quotas in _offered(api):
        api.delete(quotas.service, quotas.write.format(project))
