#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do something with servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_action
short_description: Reboot, rebuild, resize, rescue, rename and otherwise act on servers
version_added: 0.1.0
description:
  - An action on one server, on the members of a group, or on all servers with some labels. Those
    that are as the action would leave them are not changed.
  - The actions V(reboot_soft), V(reboot_hard) and V(rebuild) are events and not states, so each
    task with one of them does it and reports a change.
  - What is possible depends on the status of a server; otherwise the task is refused, with what is
    possible, before any server is touched.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  action:
    description:
      - V(start), V(stop), V(pause), V(unpause), V(shelve) and V(unshelve) lead to the states that
        the module M(hanok.cloud.server) has, too.
      - V(reboot_soft) shuts the guest down, waits until it is off, and starts it. V(reboot_hard)
        powers it off instead.
      - V(resize) gives the server another O(flavor), or O(vcpus) and O(memory), with a restart. The
        server is C(VERIFY_RESIZE) then, until V(confirm_resize) keeps the new size or
        V(revert_resize) gives it back the former one, with another restart.
      - V(rebuild) replaces the root disk by a new one of O(image), with the loss of all data on it.
        The server keeps its identity, addresses and volumes. It boots as for the first time, with
        its init script as that is now; user data is the same as before. Its SSH host keys are new.
      - V(rescue) boots the server from a disk of O(image), with its own root disk as the second
        one; V(unrescue) boots it from its own again and deletes the other. Use an image whose file
        systems have other labels and UUIDs than those of the server, so that its guest does not
        mount the wrong one.
      - V(rename) gives a single server O(new_name). The name inside the guest does not change.
        Schedules that name the server (M(hanok.cloud.schedule)) have its new name then.
    type: str
    required: true
    choices:
      - start
      - stop
      - reboot_soft
      - reboot_hard
      - pause
      - unpause
      - shelve
      - unshelve
      - resize
      - confirm_resize
      - revert_resize
      - rebuild
      - rescue
      - unrescue
      - rename
  name:
    description: Name of a server, or of a group, which stands for its members.
    type: str
  names:
    description: Names of servers.
    type: list
    elements: str
  labels:
    description: All servers that have these labels, maybe beside others.
    type: dict
  flavor:
    description: Name of the flavor to resize to. The root disk keeps its size.
    type: str
  vcpus:
    description:
      - Number of vCPUs to resize to, with O(memory) and without O(flavor), as in
        M(hanok.cloud.server).
    type: int
  memory:
    description: Memory in MiB to resize to, with O(vcpus).
    type: int
  image:
    description:
      - Name of the image to rebuild or rescue with. By default that of the server.
    type: str
  new_name:
    description: The new name, with O(action=rename).
    type: str
  force:
    description:
      - Whether to power servers off instead of shutting them down, with O(action=stop),
        O(action=reboot_soft), O(action=shelve) and O(action=rescue).
    type: bool
    default: false
  wait_for:
    description:
      - What to wait for with the servers that run after the action, as in M(hanok.cloud.server).
    type: str
    choices: [running, ip, ssh, init]
    default: running
  max_unavailable:
    description:
      - At most so many of the servers are rebooted, rebuilt or resized at a time. Each is ready
        (O(wait_for)) and healthy in its load balancers before the next one; if it is not, the
        others stay as they are. Load balancers drain a server before its guest is shut down.
    type: int
    default: 1
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Reboot a server; this is an event, and each task does it again
  hanok.cloud.server_action:
    name: web-1
    action: reboot_soft

- name: Roll a newer image out to a group, one member after the other; this is an event, too
  hanok.cloud.server_action:
    name: web
    action: rebuild
    image: tiny
    wait_for: init

- name: Resize a server, and look at it before it stays so
  hanok.cloud.server_action:
    name: store
    action: resize
    flavor: g1.micro

- name: Keep the new size
  hanok.cloud.server_action:
    name: store
    action: confirm_resize

- name: Boot a server from another disk, to repair its own
  hanok.cloud.server_action:
    name: store
    action: rescue
    image: tiny

- name: Boot it from its own disk again
  hanok.cloud.server_action:
    name: store
    action: unrescue
    force: true

- name: Put all servers of the tests away
  hanok.cloud.server_action:
    labels:
      stage: test
    action: shelve
    force: true

- name: Rename a server
  hanok.cloud.server_action:
    name: golden
    action: rename
    new_name: silver

- name: Give it its former name back
  hanok.cloud.server_action:
    name: silver
    action: rename
    new_name: golden
"""

RETURN = r"""
servers:
  description: The selected servers, each like RV(hanok.cloud.server#module:server).
  returned: success
  type: list
  elements: dict
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server_action import main

if __name__ == '__main__':
    main()
