# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Setting routes and ARP proxies for floating addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Set, Tuple

from ..._cloud import CloudError
from ..host import netlink
from ..host.devices import FLOATING_DEVICE, proxy_line
from ..host.files import read_file, write_atomically
from ..host.kernel import device_exists

if TYPE_CHECKING:
    from .floating_routes import FloatingRoutes


def write(routes: FloatingRoutes, lock: int) -> None:
    """Set routes and proxies. The file comes last: it lists what an interrupted run had set."""
    if not device_exists(FLOATING_DEVICE):
        _create_device(routes)
    stale = [f'route del {cidr} dev {FLOATING_DEVICE}' for cidr in sorted(_stale_routes(routes))]
    stale += [
        f'neigh del proxy {address} dev {device}'
        for device, address in sorted(_stale_proxies(routes))
    ]
    lines = [*stale, f'link set {FLOATING_DEVICE} up', *routes.lines(existing=True)]
    routes.host.work.run(
        'ip', '-batch', '-', text=''.join(line + '\n' for line in lines), locks=[lock]
    )
    if read_file(routes.path) != routes.batch():
        write_atomically(routes.path, routes.batch())


def _create_device(routes: FloatingRoutes) -> None:
    try:
        routes.host.work.run('ip', 'link', 'add', FLOATING_DEVICE, 'type', 'dummy')
    except CloudError:  # a kernel without dummy devices: an empty bridge will do
        routes.host.work.run('ip', 'link', 'add', FLOATING_DEVICE, 'type', 'bridge')


def _stale_routes(routes: FloatingRoutes) -> Set[str]:
    return routes.routed() - set(routes.cidrs())


def _stale_proxies(routes: FloatingRoutes) -> Set[Tuple[str, str]]:
    """Proxies for addresses that are not allocated, and those of former pools."""
    existing = netlink.proxies()
    saved = set((read_file(routes.path) or '').splitlines())
    former = {proxy for proxy in existing if proxy_line(*proxy) in saved}
    return (routes.own_proxies(existing) | former) - set(routes.proxies())
