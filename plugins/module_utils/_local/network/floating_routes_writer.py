# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Setting routes and ARP proxies for floating addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Set, Tuple

from ..._cloud import CloudError
from ..host import netlink
from ..host.devices import FLOATING_DEVICE, proxy_line
from ..host.files import read_file, write_atomically
from ..host.kernel import device_exists

if TYPE_CHECKING:
    from .floating_routes import FloatingRoutes


def write(routes: FloatingRoutes, lock: int) -> None:
    """Set routes and proxies. The file comes last: it lists what an interrupted run had set."""
    run = routes.host.work.run
    if not device_exists(FLOATING_DEVICE):
        _create_device(routes)
    lines: List[str] = []
    for cidr in sorted(_stale_routes(routes)):
        lines.append(f'route del {cidr} dev {FLOATING_DEVICE}')
    for device, address in sorted(_stale_proxies(routes)):
        lines.append(f'neigh del proxy {address} dev {device}')
    lines.append(f'link set {FLOATING_DEVICE} up')
    lines += routes.lines(existing=True)
    text = ''.join(f'{line}\n' for line in lines)
    run('ip', '-batch', '-', text=text, locks=[lock])
    batch = routes.batch()
    if read_file(routes.path) != batch:
        write_atomically(routes.path, batch)


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
    ours = routes.own_proxies(existing) | former
    return ours - set(routes.proxies())
