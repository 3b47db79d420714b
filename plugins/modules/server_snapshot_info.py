#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about snapshots of servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_snapshot_info
short_description: Get information about snapshots of servers
version_added: 0.1.0
description:
  - List all snapshots of servers, those of one server, or those with a name or labels.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the snapshot.
    type: str
  server:
    description: Name of the server.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the snapshots of a server, the oldest first
  hanok.cloud.server_snapshot_info:
    server: web-1
  register: found

- name: Get the name of the one that the server has come from
  hanok.cloud.server_snapshot_info:
    server: web-1
    query: "[?current].name"

- name: Get what the snapshots of all servers hold, in bytes
  hanok.cloud.server_snapshot_info:
    query: sum([].size)
"""

RETURN = r"""
server_snapshots:
  description:
    - The snapshots, each like RV(hanok.cloud.server_snapshot#module:server_snapshot), or the result
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server_snapshot import main_info

if __name__ == '__main__':
    main_info()
