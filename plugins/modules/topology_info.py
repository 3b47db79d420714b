#!/usr/bin/python
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Get information about the topology."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_info
short_description: Get information about the topology
version_added: 0.1.0
description:
  - Networks with the servers and balancers in them, floating IPs, volumes and groups with who has them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes.info
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: The whole picture
  hanok.cloud.topology_info:
  register: picture

- name: Tell who is in which network
  ansible.builtin.debug:
    msg: "{{ item.name }} ({{ item.cidr }}): {{ (item.servers + item.lbs) | map(attribute='name') | join(', ') }}"
  loop: "{{ picture.topology.networks }}"
  loop_control:
    label: "{{ item.name }}"

- name: Tell which addresses are taken, and not in use
  ansible.builtin.debug:
    msg: "{{ picture.topology.floating_ips | selectattr('fixed_ip', 'none') | map(attribute='address') }}"
"""

RETURN = r"""
topology:
  description: What there is, and what hangs on what.
  returned: success
  type: dict
  contains:
    networks:
      description: The networks.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        cidr:
          description: Its range.
          type: str
        gateway:
          description: The address of the host in it.
          type: str
        servers:
          description: The servers in it.
          type: list
          elements: dict
          contains:
            name:
              description: Its name.
              type: str
            status:
              description: Its status.
              type: str
            fixed_ip:
              description: Its address in this network.
              type: str
            floating_ip:
              description: Its floating address, if that leads to this address.
              type: str
            security_groups:
              description: Its security groups.
              type: list
              elements: str
            volumes:
              description: The volumes attached to it.
              type: list
              elements: str
        lbs:
          description: The balancers in it.
          type: list
          elements: dict
          contains:
            name:
              description: Its name.
              type: str
            address:
              description: Its address in this network.
              type: str
            floating_ip:
              description: Its floating address.
              type: str
            members:
              description: Its members.
              type: list
              elements: str
            listeners:
              description: Its listeners.
              type: list
              elements: dict
              contains:
                port:
                  description: The port that it listens on.
                  type: int
                protocol:
                  description: V(http) or V(tcp).
                  type: str
                member_port:
                  description: The port of the members.
                  type: int
    floating_ips:
      description: The floating IPs.
      type: list
      elements: dict
      contains:
        address:
          description: The address.
          type: str
        pool:
          description: Its pool.
          type: str
        server:
          description: The server that has it.
          type: str
        lb:
          description: The load balancer that has it.
          type: str
        port:
          description: The port it leads to, if that was made by name.
          type: str
        fixed_ip:
          description: The address it leads to.
          type: str
    volumes:
      description: The volumes.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        size:
          description: Its size (GB).
          type: int
        server:
          description: The server that has it.
          type: str
    security_groups:
      description: The security groups.
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        rules:
          description: Its rules.
          type: list
          elements: dict
          contains:
            direction:
              description: V(ingress) or V(egress).
              type: str
            protocol:
              description: V(any), V(tcp), V(udp) or V(icmp).
              type: str
            port:
              description: A port (a number) or a range (text such as C(8000-8080)); null for all.
              type: raw
            remote:
              description: The other side, V(any), a CIDR, or C(group:NAME).
              type: str
        servers:
          description: The servers that have it.
          type: list
          elements: str
"""

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.topology import main

if __name__ == '__main__':
    main()
