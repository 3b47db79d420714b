#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage schedules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schedule
short_description: Manage schedules of backups, snapshots and the power of servers
version_added: 0.1.0
description:
  - A schedule does something with servers at certain times, without a controller. A timer of
    systemd on the host runs the same code as the modules, with the same checks, such as the
    protection from deletion. A run that was missed while the host was off is made up once.
  - What a run does is in the history (M(hanok.cloud.history_info)) under the actor
    C(schedule NAME), and what it says in the journal (C(journalctl -u 'hanok-schedule@*')).
  - The host needs systemd as its first process. An OpenStack runs no schedules; run the modules
    from a scheduler such as that of AWX there.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the schedule, unique within the project. At most 40 letters, digits, hyphens,
        underscores and dots.
    type: str
    required: true
  action:
    description:
      - What happens to the servers. Required to create a schedule.
      - V(backup) makes a backup of each, as M(hanok.cloud.backup), and V(snapshot) a snapshot of
        its disks, as M(hanok.cloud.server_snapshot). V(start) and V(stop) are those of
        M(hanok.cloud.server_action). V(delete) deletes the servers, as M(hanok.cloud.server) with
        O(hanok.cloud.server#module:state=absent).
    type: str
    choices: [backup, snapshot, start, stop, delete]
  on_calendar:
    description:
      - When, as a calendar expression of systemd (C(systemd.time(7))), such as V(daily),
        V(Mon..Fri 19:00) or V(2026-12-04 18:00). Times are those of the time zone of the host,
        unless it ends with another one. Required to create a schedule.
    type: str
  servers:
    description:
      - Names of servers. They follow when a server is renamed (M(hanok.cloud.server_action)).
    type: list
    elements: str
  server_labels:
    description: All servers that have these labels when it runs, maybe beside others.
    type: dict
  store:
    description: Name of the store of backups, as in M(hanok.cloud.backup).
    type: str
  mode:
    description:
      - Mode of backups, as in M(hanok.cloud.backup). Leave it out for servers of both types.
    type: str
    choices: [snapshot, suspend, stop]
  include_volumes:
    description:
      - Whether backups are with the volumes of their servers, as in M(hanok.cloud.backup).
    type: bool
  incremental:
    description:
      - Whether backups have only what changed since the one before, as in M(hanok.cloud.backup).
    type: bool
  force:
    description:
      - Whether guests are powered off instead of asked to shut down, with O(action=stop) and
        O(action=backup).
    type: bool
  delete_snapshots:
    description:
      - Whether servers are deleted with their snapshots, with O(action=delete). Without it, servers
        that have snapshots are not deleted, as in M(hanok.cloud.server).
    type: bool
  keep_last:
    description:
      - How many backups of each server, or snapshots of this schedule, are kept, as in
        M(hanok.cloud.backup). Snapshots that others made are kept, and not counted.
      - V(0) takes this rule away. Without any rule all are kept.
    type: int
  keep_daily:
    description: For how many days one is kept, as in M(hanok.cloud.backup); V(0) as above.
    type: int
  keep_weekly:
    description: For how many weeks one is kept, as in M(hanok.cloud.backup); V(0) as above.
    type: int
  state:
    description:
      - V(present) creates or updates the schedule. V(absent) deletes it; what it has made stays.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description, one line of at most 255 characters.
    type: str
  labels:
    description: Labels of the schedule. If set, they replace all existing labels.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Back up a server each night, and keep a week
  hanok.cloud.schedule:
    name: nightly
    action: backup
    servers: [store]
    on_calendar: daily
    keep_daily: 7

- name: Stop the servers of the tests in the evening
  hanok.cloud.schedule:
    name: evening
    action: stop
    server_labels:
      stage: test
    on_calendar: Mon..Fri 19:00

- name: Delete the schedule
  hanok.cloud.schedule:
    name: evening
    state: absent
"""

RETURN = r"""
schedule:
  description: The schedule; null if it does not exist.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the schedule.
      type: str
    name:
      description: Name of the schedule.
      type: str
    action:
      description: What happens to the servers.
      type: str
    on_calendar:
      description: When, as it was requested.
      type: str
    next_run_at:
      description: When it runs next (UTC), also in check mode; null if it never will.
      type: str
    has_timer:
      description: Whether the host has its timer as recorded. The next task writes it.
      type: bool
    servers:
      description: Names of servers.
      type: list
      elements: str
    server_labels:
      description: Labels of servers.
      type: dict
    store:
      description: Store of backups; null for the only one.
      type: str
    include_volumes:
      description: Whether backups are with the volumes of their servers.
      type: bool
    incremental:
      description: Whether backups have only what changed since the one before.
      type: bool
    mode:
      description: Mode of backups; null for the default.
      type: str
    force:
      description: Whether guests are powered off.
      type: bool
    delete_snapshots:
      description: Whether servers are deleted with their snapshots.
      type: bool
    keep_last:
      description: How many are kept; null if this rule is not set.
      type: int
    keep_daily:
      description: For how many days one is kept; null if this rule is not set.
      type: int
    keep_weekly:
      description: For how many weeks one is kept; null if this rule is not set.
      type: int
    description:
      description: Description of the schedule.
      type: str
    labels:
      description: Labels of the schedule.
      type: dict
    project:
      description: Project of the schedule.
      type: str
    created_by:
      description: User who created the schedule.
      type: str
    created_at:
      description: Creation time of the schedule (UTC).
      type: str
msg:
  description:
    - Summary of the changes with their reasons; in check mode, of those that would be made. The
      error message if the task fails.
  returned: always
  type: str
steps:
  description:
    - The changes in the order in which they were made; in check mode, those that would be made.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The step.
      type: str
    why:
      description: Reason for the step; empty if it is obvious.
      type: str
    seconds:
      description: Duration of the step in seconds.
      returned: unless in check mode
      type: float
refused:
  description: Reasons why the task was refused, one sentence each. Nothing was changed.
  returned: when the task is refused
  type: list
  elements: str
errors:
  description: What is wrong, an item for each problem. V(msg) has all of them in one line.
  returned: on failure
  type: list
  elements: dict
  contains:
    code:
      description:
        - V(invalid), a wrong value; V(refused), not possible in the present state; V(missing), it
          refers to what does not exist; V(busy), another run holds or has just changed it;
          V(timeout); V(unsupported) by the cloud; V(failed); V(defect) of this collection.
      type: str
      sample: busy
    kind:
      description: Kind of the resource, such as V(server); null if it is about none.
      type: str
    name:
      description: Name of the resource; null if it is about none.
      type: str
    option:
      description: Option that it is about; null if it is about none.
      type: str
    msg:
      description: What is wrong, and what to do about it.
      type: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.schedule import main

if __name__ == '__main__':
    main()
