# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Floating IPs as Neutron returns them, translated."""

from __future__ import annotations

from collections.abc import Mapping

from ..._model.floating_ip import FixedIp, FloatingIp
from ..api.api import Raw
from .tags import description_of, marks_of


def name_of(raw: Raw) -> str:
    """Return the name of a floating IP; without one, its address."""
    own = marks_of(raw).own
    return own.get('name') or str(raw['floating_ip_address'])


def floating_ip_of(raw: Raw, pools: Mapping[str, str], holder: FixedIp | None) -> FloatingIp:
    """Return a floating IP. ``pools``: names of networks by id. ``holder``: of its port."""
    marks = marks_of(raw)
    return FloatingIp(
        name_of(raw),
        raw['floating_ip_address'],
        pools.get(raw['floating_network_id'], raw['floating_network_id']),
        holder and holder.server,
        holder and holder.lb,
        holder and holder.port,
        raw['fixed_ip_address'],
        marks.own.get('automatic') == '1',
        description_of(raw),
        marks.labels,
        raw['id'],
        marks.created_by,
        raw['created_at'],
        marks.delete_protection,
    )
