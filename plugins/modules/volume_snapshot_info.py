#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about snapshots of volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_snapshot_info
short_description: Get information about snapshots of volumes
version_added: 0.1.0
description:
  - List all snapshots of volumes, those of one volume, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the snapshot.
    type: str
  volume:
    description: Name of the volume.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the snapshots of a volume, the oldest first
  hanok.cloud.volume_snapshot_info:
    volume: data
  register: found

- name: Get the name of the latest one
  hanok.cloud.volume_snapshot_info:
    volume: data
    query: "[-1].name"
"""

RETURN = r"""
volume_snapshots:
  description:
    - The snapshots, each like RV(hanok.cloud.volume_snapshot#module:volume_snapshot), or the result
      of O(query).
  returned: success
  type: list
  elements: dict
refused:
  description: Reasons why the task was refused, one sentence each.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description:
    - What is wrong, an item for each problem, as M(hanok.cloud.server) returns it. V(msg) has all
      of them in one line.
  returned: on failure
  type: list
  elements: dict
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.volume_snapshot import main_info

if __name__ == '__main__':
    main_info()
