#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rebuild the record of a cloud."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recover
short_description: Rebuild the record of a cloud
version_added: 0.1.0
description:
  - If the record, the file C(/var/lib/hanok/hanok.db), is lost or damaged, a new one is created
    from what remains. An intact record is not changed.
  - A run that was interrupted is completed by the next one, which reports again what was lost.
  - The sources are the export beside the record, C(hanok.json); the metadata of machines in libvirt
    and of the containers of load balancers; and the disks and networks that exist.
  - What could not be recovered is reported as warnings and in RV(record.lost). A damaged record is
    kept as C(hanok.db.damaged).
  - Machines and disks are not changed. Firewall rules, DHCP and load balancers are configured
    again.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Rebuild the record if it is lost
  hanok.cloud.recover:
  register: recovered
"""

RETURN = r"""
record:
  description: The record.
  returned: success
  type: dict
  contains:
    state:
      description: V(whole), always, after a run.
      type: str
    rows:
      description: Number of rows by table.
      type: dict
    lost:
      description: What could not be recovered, one sentence each.
      type: list
      elements: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.recover import main

if __name__ == '__main__':
    main()
