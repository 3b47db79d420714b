#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get what was changed, when, by whom, and how it ended."""

from __future__ import annotations

DOCUMENTATION = r"""
module: history_info
short_description: Get what was changed, when, by whom, and how it ended
version_added: 0.1.0
description:
  - Every change that a task makes is kept, also one that failed or was killed, and remains when the
    resource is deleted. Tasks that change nothing and check mode leave no trace.
  - Changes are kept as long as the variable C(host_history_days) of the role
    P(hanok.cloud.host#role) says.
  - It contains no secrets, only what results and diffs show. Of a text, list or dictionary that is
    longer than 1,000 characters (as JSON), only the beginning is kept.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes.info
options:
  name:
    description: Name of the resource that was changed.
    type: str
  kind:
    description: Kind of what was changed.
    type: str
    choices:
      - keypair
      - flavor
      - init_script
      - image
      - network
      - port
      - security_group
      - floating_ip
      - volume
      - volume_snapshot
      - backup
      - schedule
      - server
      - server_snapshot
      - lb
      - project
      - private_key
      - image_file
      - record
      - firewall
  changed_by:
    description: User who made the change, as the option O(actor) of the task had it.
    type: str
  since:
    description:
      - Return only changes that began at this time or later. It is a time such as V(2026-01-31) or
        V(2026-01-31T09:00:00+01:00), which is UTC unless it has an offset, or an age such as V(7d),
        in seconds (C(s)), minutes (C(m)), hours (C(h)), days (C(d)) or weeks (C(w)).
    type: str
  until:
    description: Return only changes that began at this time or earlier; see O(since).
    type: str
  unfinished:
    description:
      - Return only changes that did not end, because the task was killed or is still running.
      - The next task for the resource completes such a change, and that is a change of its own.
    type: bool
    default: false
  limit:
    description: Return at most this many changes, the latest ones (1 to 10,000).
    type: int
    default: 100
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get what was changed in the last week
  hanok.cloud.history_info:
    since: 7d
  register: changes

- name: Get who changed a server, also one that is deleted
  hanok.cloud.history_info:
    kind: server
    name: web

- name: Get what a killed task has left unfinished
  hanok.cloud.history_info:
    unfinished: true
"""

RETURN = r"""
history:
  description: The changes, the latest first.
  returned: success
  type: list
  elements: dict
  contains:
    began_at:
      description: When the change began (UTC).
      type: str
    ended_at:
      description: When it ended (UTC). None while it has not ended.
      type: str
    seconds:
      description: How long it took. None while it has not ended.
      type: float
    changed_by:
      description: User who made the change.
      type: str
    job:
      description: Id of the AWX job that made it, if there was one.
      type: str
    module:
      description: Module of the task that made it.
      type: str
    project:
      description: Project of the task that made it.
      type: str
    kind:
      description: Kind of what was changed.
      type: str
    name:
      description: Name of what was changed.
      type: str
    id:
      description: UUID of what was changed, by which it can be told from another one of that name.
      type: str
    verb:
      description: What was done, for example V(create), V(update) or V(power_off).
      type: str
    before:
      description: What was changed, before the change. None if it was created.
      type: dict
    after:
      description: What was changed, after the change. None if it was deleted.
      type: dict
    why:
      description: Reason for the change, if it has one besides the options of the task.
      type: str
    result:
      description:
        - V(ok), or the code of the error, as in C(errors) of the task that failed. None while it
          has not ended.
      type: str
    error:
      description: Error message, if it failed.
      type: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.history import main

if __name__ == '__main__':
    main()
