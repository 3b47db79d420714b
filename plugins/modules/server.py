#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manage servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server
short_description: Manage servers
version_added: 0.1.0
description:
  - A virtual machine. What was left out is not managed; what cannot change is refused, with the way out.
  - With O(count) a group of equal servers NAME-1 to NAME-N is kept; they are made in parallel.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - The name of the server, or of the group. Letters, digits and hyphens, because it becomes a host name.
      - No other server or balancer in its networks has it, in upper or lower case, because it is its DNS name there.
    type: str
    required: true
  count:
    description:
      - Keep so many servers. Those above it are removed, which needs O(allow_shrink=true).
      - Where there are some already, new ones get what the first of them has in all options that are left out,
        but addresses of their own and no floating IP. Of O(user_data) only a hash is recorded, so it is given again.
    type: int
  state:
    description:
      - V(present) makes what is missing, and never starts or stops what is there. V(started) starts it too.
      - V(started) lets a paused one go on. V(stopped) asks the guest to shut down and waits until it has.
      - V(restarted) shuts it down, waits until it has, and starts it; one that is stopped is started. With O(force=true) the plug is
        pulled instead. This is an event, not a state, so that the task changes something each time.
      - V(absent) removes the machine, its root disk and its automatic floating IP. Volumes and addresses made on their own are kept.
    type: str
    choices: [present, started, stopped, restarted, absent]
    default: present
  flavor:
    description: Its size. Needed to make it. A change of a running server needs O(allow_restart=true).
    type: str
  image:
    description: What its disk is made from. Needed to make it.
    type: str
  key_name:
    description: The key pair whose public key is let in. The same as O(key_names) with one name; give one of the two.
    type: str
  key_names:
    description:
      - The key pairs whose public keys are let in, where there are several, 20 at most. Their order says nothing.
      - Written at the first boot, and not changed afterwards.
    type: list
    elements: str
  security_groups:
    description: Its groups, at most three. V(default) when left out.
    type: list
    elements: str
  networks:
    description: Its networks. V(default) when left out.
    type: list
    elements: dict
    suboptions:
      name:
        description: The network. This or O(networks[].port).
        type: str
      port:
        description: A port that was made by M(hanok.cloud.port), alone. It has its network, address, MAC and groups already.
        type: str
      fixed_ip:
        description: Its address there. Any free one when left out.
        type: str
      mac:
        description: Its MAC there. Made from network and address when left out.
        type: str
      security_groups:
        description:
          - Groups of this connection, at most three. Those of the server when left out.
          - Where it has some of its own already, an empty list takes them away, and it has those of the server again.
        type: list
        elements: str
  user_data:
    description: First-boot content for cloud-init, a script (C(#!)) or C(#cloud-config). It runs once. Only a keyed hash of it is recorded.
    type: str
  init_script:
    description: A script kept by M(hanok.cloud.init_script), instead of O(user_data). It runs once, at the first boot.
    type: str
  volume_size:
    description: The root volume in GB (2^30 bytes). It grows and never shrinks. That of the flavor when left out.
    type: int
  floating_ip:
    description: V(auto) for one that goes with the server, V(none), or an address.
    type: str
  guest_agent:
    description:
      - Whether the machine has the channel of the QEMU guest agent; V(true) for a new server when left out. A change needs a restart.
      - By V(false) a guest has no way to speak to libvirt. How its first boot went is then read from its console, O(wait_for=ip) asks
        on the wire (ARP), and whether a volume is mounted cannot be seen.
    type: bool
  delete_protection:
    description: Whether deleting it is refused. V(false) lifts it in the task that deletes it, too.
    type: bool
  wait_for:
    description: What to wait for. V(init) is the end of the first boot, and fails the task when that went wrong.
    type: str
    choices: [running, ip, ssh, init]
    default: running
  allow_restart:
    description: Whether a change may restart it.
    type: bool
    default: false
  allow_shrink:
    description: Whether a smaller O(count) may remove servers.
    type: bool
    default: false
  force:
    description: With O(state=stopped) and O(state=restarted), pull the plug instead of asking the guest.
    type: bool
    default: false
  repair:
    description:
      - Whether a machine that somebody altered or removed by hand (V(UNMANAGED)) is made again as it is recorded. It is refused otherwise.
      - A machine that runs goes on as it is until its next start.
    type: bool
    default: false
  description:
    description: One line of at most 255 characters.
    type: str
  labels:
    description: Labels; when said, they are the whole set.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: A server that is reached from outside, with a script for its first boot; the task ends when the script has
  hanok.cloud.server:
    name: hello
    flavor: g1.nano
    image: tiny
    key_name: admin
    floating_ip: auto
    user_data: |
      #!/bin/sh
      echo hello > /root/hello
    wait_for: init

- name: Protect it
  hanok.cloud.server:
    name: hello
    delete_protection: true
    labels:
      stage: production

- name: Switch it off; without force the guest is asked to shut down, and the task waits until it has
  hanok.cloud.server:
    name: hello
    state: stopped
    force: true

- name: Restart it
  hanok.cloud.server:
    name: hello
    state: restarted

- name: Start it again
  hanok.cloud.server:
    name: hello
    state: started

- name: Delete it, although it is protected
  hanok.cloud.server:
    name: hello
    state: absent
    delete_protection: false

- name: A server in two networks, in one of them with an address of your choice; it is made and not started
  hanok.cloud.server:
    name: db
    flavor: g1.nano
    image: tiny
    key_name: admin
    security_groups: [default]
    networks:
      - name: default
      - name: backend
        fixed_ip: 10.20.0.10
    state: stopped

- name: A larger size and a larger disk; if the server runs, it may be restarted for it
  hanok.cloud.server:
    name: db
    flavor: g1.micro
    volume_size: 5
    allow_restart: true

- name: Three equal servers at once, worker-1 to worker-3
  hanok.cloud.server:
    name: worker
    count: 3
    flavor: g1.nano
    image: tiny
    labels:
      tier: worker
  register: workers

- name: Tell their addresses
  ansible.builtin.debug:
    msg: "{{ workers.servers | map(attribute='fixed_ip') }}"

- name: One is enough from now on; the others are deleted
  hanok.cloud.server:
    name: worker
    count: 1
    allow_shrink: true

- name: Delete the whole group
  hanok.cloud.server:
    name: worker
    state: absent
"""

RETURN = r"""
server:
  description: The server; null when it is absent. With O(count) there is RV(servers) instead.
  returned: success
  type: dict
  contains:
    id:
      description: Its UUID.
      type: str
    name:
      description: Its name.
      type: str
    status:
      description: V(BUILD), V(ACTIVE), V(SHUTOFF), V(PAUSED) or V(UNMANAGED) (its machine is no longer what was recorded).
      type: str
    status_reason:
      description: What is wrong with its machine, or why it stands still; null when nothing is.
      type: str
    task_state:
      description: What is being done with it, or was when a run was interrupted; null when nothing is.
      type: str
    billable:
      description: Whether it counts for billing in this status.
      type: bool
    flavor:
      description: Its flavor.
      type: str
    vcpus:
      description: Its vCPUs.
      type: int
    memory:
      description: Its memory (MiB).
      type: int
    image:
      description: The image it was made from.
      type: str
    key_name:
      description: The first of its key pairs; null when it has none.
      type: str
    key_names:
      description: Its key pairs.
      type: list
      elements: str
    user_data:
      description: The words (sensitive value) when it was made with first-boot content, which is not told.
      type: str
    init_script:
      description: The init script it was made with.
      type: str
    volume_size:
      description: The size of its root volume (GB).
      type: int
    security_groups:
      description: Its security groups.
      type: list
      elements: str
    networks:
      description: Its networks.
      type: list
      elements: dict
      contains:
        name:
          description: The network.
          type: str
        fixed_ip:
          description: Its address there.
          type: str
        mac:
          description: Its MAC there.
          type: str
        port:
          description: The port that was made for it beforehand; null when none was.
          type: str
        security_groups:
          description: Its own groups; null where it has those of the server.
          type: list
          elements: str
    fixed_ip:
      description: Its address in its first network.
      type: str
    floating_ip:
      description: Its floating address, if it has one.
      type: str
    volumes:
      description: The volumes attached to it.
      type: list
      elements: str
    guest_agent:
      description: Whether its machine has the channel of the guest agent.
      type: bool
    delete_protection:
      description: Whether deleting it is refused.
      type: bool
    outdated:
      description:
        - The options that mean something else now than when it was made. V(init_script) when the text of its script was changed since.
          Empty where nothing is known of it, as after a recovery.
      type: list
      elements: str
    description:
      description: Its description.
      type: str
    labels:
      description: Its labels.
      type: dict
    member_of:
      description: The group that it was made in with O(count).
      type: str
    created_by:
      description: Who made it.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
servers:
  description: The servers of the group; each is like RV(server).
  returned: success, with O(count)
  type: list
  elements: dict
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server import main

if __name__ == '__main__':
    main()
