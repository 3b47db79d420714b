#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about backups of servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: Get information about backups of servers
version_added: 0.1.0
description:
  - List all backups, those of one server, or those with a name or labels.
  - A backup whose store is not mounted is listed, too, with the status V(unavailable).
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.filters
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the backup.
    type: str
  server:
    description: Name of the server.
    type: str
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the backups of a server, the oldest first
  hanok.cloud.backup_info:
    server: store
  register: found

- name: Get the names of all that cannot be read now
  hanok.cloud.backup_info:
    query: "[?status == 'unavailable'].name"
"""

RETURN = r"""
backups:
  description:
    - The backups, each like RV(hanok.cloud.backup#module:backup), or the result of O(query).
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.backup_info import main

if __name__ == '__main__':
    main()
