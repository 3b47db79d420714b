# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a floating IP is attached to: a fixed address of a server, a load balancer or a port."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from .._model.change import AFTER_APPLY, Draft
from .._model.floating_ip import FixedIp, FloatingIp, FloatingIpRequest


def attachment(
    request: FloatingIpRequest,
    current: FloatingIp | None,
    targets: Sequence[FixedIp],
    draft: Draft,
) -> Dict[str, Any]:
    """Return the options that attach a floating IP to the specified holder.

    ``targets``: the fixed addresses that it can be attached to, a server's first one first.
    """
    kind, name = request.holder or ('server', '')
    holders = {getattr(target, kind): target for target in targets}
    holders.pop(None, None)
    if not draft.require(kind, name, holders):
        return {
            'server': request.server,
            'lb': request.lb,
            'port': request.port,
            'fixed_ip': AFTER_APPLY,
        }
    fixed_ips = {target.fixed_ip: target for target in targets if getattr(target, kind) == name}
    if '' in fixed_ips:
        draft.refuse(
            kind,
            f'{kind}: {name} has no fixed IP, because it is only on bridges of the host; connect '
            'it to a network (networks: name), or use its address on the bridge',
        )
    fixed_ip = _choose_fixed_ip(request, current, fixed_ips, draft)
    target = fixed_ips.get(fixed_ip, FixedIp(fixed_ip))
    address = '' if current is None else current.address
    if target.floating_ip and target.floating_ip != address:
        draft.refuse(
            kind,
            f'{kind}: {name} already has the floating address {target.floating_ip}; detach that '
            'first (state: detached)',
        )
    return {'server': target.server, 'lb': target.lb, 'port': target.port, 'fixed_ip': fixed_ip}


def _choose_fixed_ip(
    request: FloatingIpRequest,
    current: FloatingIp | None,
    fixed_ips: Mapping[str, FixedIp],
    draft: Draft,
) -> str:
    """Return the requested fixed address, else the current one, else the first of the holder."""
    if request.fixed_ip:
        if request.fixed_ip not in fixed_ips:
            kind, name = request.holder or ('server', '')
            draft.refuse(
                'fixed_ip',
                f'fixed_ip: {request.fixed_ip} is not an address of {kind} {name}; it has '
                f'{", ".join(fixed_ips)}',
            )
        return request.fixed_ip
    current_ip = current.fixed_ip if current else None
    if current_ip in fixed_ips:
        return str(current_ip)
    return next(iter(fixed_ips))
