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
  - When the record, the file C(/var/lib/hanok/hanok.db), is gone or damaged, a new one is made of what is left. One that is whole is left alone.
  - A run that was interrupted is finished by the next one, which tells again what was lost.
  - It is made of the export beside it, C(hanok.json); of what machines in libvirt say of the servers, and containers of the load balancers,
    that they are; and of the disks and networks that are there.
  - What could not be brought back is told as warnings, and in RV(record.lost). A damaged record is kept, under the name C(hanok.db.damaged).
  - Machines and disks are not touched. Firewall rules, DHCP and balancers are written again.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Rebuild the record, if it is lost
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
      description: How many rows it has, by table.
      type: dict
    lost:
      description: What could not be brought back, each as a sentence.
      type: list
      elements: str
msg:
  description: One line that says what was done and why, or in check mode would be, or what went wrong.
  returned: always
  type: str
steps:
  description: What was done, in that order; in check mode what would be.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The step.
      type: str
    why:
      description: Why it is needed; empty where that goes without saying.
      type: str
    seconds:
      description: How long it took.
      returned: when it was done
      type: float
refused:
  description: What speaks against the task, each as a sentence; nothing was done.
  returned: when it is refused
  type: list
  elements: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.recover import main

if __name__ == '__main__':
    main()
