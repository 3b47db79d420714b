# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts with room for servers of a flavor, the one with the most room first."""

from __future__ import annotations

DOCUMENTATION = r"""
name: most_room
short_description: Hosts that have room for servers of a flavor
version_added: 0.1.0
description:
  - Selects the hosts on which servers of a flavor fit, by what M(hanok.cloud.capacity_info) has
    returned on each, as Placement does with C(allocation_candidates).
  - The first one is that on which the most servers of the flavor fit; of several, that with the
    most free memory, as Nova's C(RAMWeigher) prefers it; of several, by name.
  - Between this and the creation other tasks may use the room. Then the task that creates the
    servers is refused.
positional: _input, flavor, count
options:
  _input:
    description:
      - What RV(hanok.cloud.capacity_info#module:capacity) is of each host, by its name. A host that
        is V(null) is left out.
    type: dict
    required: true
  flavor:
    description: Name of the flavor.
    type: str
    required: true
  count:
    description: How many servers have to fit on one host.
    type: int
    default: 1
seealso:
  - module: hanok.cloud.capacity_info
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get what is free on each host
  hanok.cloud.capacity_info:
  register: room

- name: Create two servers on the host with the most room
  hanok.cloud.server:
    name: web
    count: 2
    flavor: g1.small
    image: debian
  delegate_to: "{{ capacities | hanok.cloud.most_room('g1.small', count=2) | first }}"
  run_once: true
  vars:
    capacities: >-
      {{ dict(ansible_play_hosts
              | zip(ansible_play_hosts | map('extract', hostvars, ['room', 'capacity']))) }}
"""

RETURN = r"""
_value:
  description:
    - Names of the hosts on which the servers fit, the one with the most room first. If there is
      none, the filter fails, and says how many servers fit on each host.
  type: list
  elements: str
  sample: [kvm2, kvm1]
"""

from collections.abc import Mapping
from typing import Any, Callable, Dict, List, Tuple

from ansible.errors import AnsibleFilterError

Capacity = Mapping[str, Any]


class FilterModule:
    """The filter."""

    def filters(self) -> Dict[str, Callable[..., List[str]]]:
        """Return it by its name."""
        return {'most_room': most_room}


def most_room(capacities: Mapping[str, Any], flavor: str, count: int = 1) -> List[str]:
    """Return the names of hosts with room for servers of a flavor."""
    if not isinstance(capacities, Mapping):
        raise AnsibleFilterError('most_room: give the capacity of each host, by its name')
    asked = {name: one for name, one in capacities.items() if one is not None}
    fits = {name: _fits(name, one, flavor) for name, one in asked.items()}
    enough = [name for name, most in fits.items() if most is None or most >= int(count)]
    if not enough:
        found = ', '.join(f'{name} for {most}' for name, most in sorted(fits.items()))
        raise AnsibleFilterError(
            f'most_room: no host has room for {count} servers of flavor {flavor} '
            f'({found or "no host was asked"}); delete or shelve servers, or use a smaller flavor'
        )
    return sorted(enough, key=lambda name: _order(name, fits[name], asked[name]))


def _fits(name: str, capacity: Any, flavor: str) -> int | None:
    """Return how many servers fit; None: any number."""
    fits = capacity.get('fits') if isinstance(capacity, Mapping) else None
    if not isinstance(fits, Mapping):
        raise AnsibleFilterError(f'most_room: {name}: this is no capacity of capacity_info')
    if flavor not in fits:
        known = ', '.join(sorted(map(str, fits))) or 'none'
        raise AnsibleFilterError(f'most_room: {name} has no flavor {flavor} (it has {known})')
    most = fits[flavor]
    return None if most is None else int(most)


def _order(name: str, most: int | None, capacity: Capacity) -> Tuple[bool, int, int, str]:
    memory = capacity.get('memory') or {}
    return most is not None, -(most or 0), -int(memory.get('free', 0)), name
