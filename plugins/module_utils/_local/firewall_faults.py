# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How rules, bridges and routes of this host differ from the record."""

from __future__ import annotations

from typing import List

from . import loaded
from .devices import bridge_name
from .files import read_file
from .firewall_state import FirewallState, is_loaded, sysctls
from .kernel import read_sysctl
from .network_faults import address_faults, network_fault

_OTHER_RULES = 'the loaded firewall rules do not match the record'
_NETWORKS = 'SELECT id, name, cidr, gateway FROM network WHERE task_state IS NULL ORDER BY id'


def find_faults(state: FirewallState, revision: str | None = None) -> List[str]:
    """Return how this host differs from the record.

    Networks in a task state are skipped: they are being created, or the next run of their task
    finishes them. ``revision``: other runs are changing something; only what they do not change is
    checked, and the loaded rules must be of this revision or a later one.
    """
    faults, bridges, running = [], [], []
    for row in state.record.rows(_NETWORKS):
        fault = network_fault(row)
        if fault:
            faults.append(fault)
        else:
            running.append(row)
            bridges.append(bridge_name(row['id']))
    faults += address_faults(running)
    faults += [f'{tap} is attached to no bridge' for tap in state.detached_taps()]
    if revision is None:
        faults += _idle_faults(state)
    else:
        faults += _active_faults(state, revision)
    settings = sysctls(bridges)
    settings.update({f'neigh/{uplink}/proxy_delay': '0' for uplink in state.floating.uplinks()})
    for key, value in settings.items():
        if read_sysctl(key) != value:
            faults.append(f'net.ipv4.{key.replace("/", ".")} is not {value}')
    return faults + state.floating.faults()


def _idle_faults(state: FirewallState) -> List[str]:
    """Faults that are meaningful only while no other run is changing something."""
    faults = []
    rules_fault = _rules_fault(state)
    if rules_fault:
        faults.append(rules_fault)
    if state.has_denied_flows_to_end():
        faults.append('connections that the rules no longer allow may still be open')
    if state.has_flows_to_end():
        faults.append('connections of reassigned addresses may still be open')
    if not state.is_metadata_current():
        faults.append('the metadata of machines in libvirt is out of date')
    return faults + state.floating.idle_faults()


def _rules_fault(state: FirewallState) -> str:
    saved = state.saved()
    if not is_loaded(saved, state.revision()):
        return _OTHER_RULES
    outside = state.outside()
    if outside != saved.outside:
        allowed, current = (', '.join(devices) or 'none' for devices in (saved.outside, outside))
        return (
            f'the outside devices of the firewall are {allowed}, those of this host are {current}'
        )
    if loaded.digest(read_file(state.rules_path)) != saved.source:
        return 'the firewall rules saved for the next boot do not match the record'
    return ''


def _active_faults(state: FirewallState, revision: str) -> List[str]:
    """Rules must be of the revision or a later one, and complete unless they are being loaded."""
    record, number = revision.rsplit('_', 1)
    current, saved = loaded.current(), state.saved().rules
    is_complete = current == saved or current.revision != saved.revision
    return [] if is_complete and current.number(record) >= int(number) else [_OTHER_RULES]
