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
  - List networks with their servers and load balancers, bridges of the host with their servers; and
    floating IPs, volumes and security groups with the servers that use them.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes.info
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Get the topology
  hanok.cloud.topology_info:
  register: cloud

- name: Show the servers and load balancers of each network
  ansible.builtin.debug:
    msg: >-
      {{ item.name }} ({{ item.cidr }}):
      {{ (item.servers + item.lbs) | map(attribute='name') | join(', ') }}
  loop: "{{ cloud.topology.networks }}"
  loop_control:
    label: "{{ item.name }}"

- name: Show the floating IPs that are allocated but not attached
  ansible.builtin.debug:
    msg: >-
      {{ cloud.topology.floating_ips | selectattr('fixed_ip', 'none')
      | map(attribute='address') }}
"""

RETURN = r"""
topology:
  description: All resources and what they are attached to.
  returned: success
  type: dict
  contains:
    networks:
      description: The networks.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the network.
          type: str
        cidr:
          description: CIDR of the network.
          type: str
        gateway:
          description: Address of the host in the network.
          type: str
        servers:
          description: Servers in the network.
          type: list
          elements: dict
          contains:
            name:
              description: Name of the server.
              type: str
            status:
              description: Status of the server.
              type: str
            node:
              description: Host name of its hypervisor; null if the cloud does not tell it.
              type: str
            fixed_ip:
              description: Fixed IP in this network.
              type: str
            floating_ip:
              description: Floating IP of this fixed IP; null if there is none.
              type: str
            security_groups:
              description: Names of the security groups.
              type: list
              elements: str
            volumes:
              description: Names of the attached volumes, without the root volume.
              type: list
              elements: str
        lbs:
          description: Load balancers in the network.
          type: list
          elements: dict
          contains:
            name:
              description: Name of the load balancer.
              type: str
            address:
              description: Address in this network.
              type: str
            floating_ip:
              description: Floating IP; null if there is none.
              type: str
            members:
              description: Names of the member servers.
              type: list
              elements: str
            listeners:
              description: Listeners of the load balancer.
              type: list
              elements: dict
              contains:
                port:
                  description: Port on which the load balancer listens.
                  type: int
                protocol:
                  description: V(http) or V(tcp).
                  type: str
                member_port:
                  description: Port of the members.
                  type: int
    bridges:
      description: The bridges of the host that servers are on.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the bridge.
          type: str
        servers:
          description: Servers on the bridge.
          type: list
          elements: dict
          contains:
            name:
              description: Name of the server.
              type: str
            status:
              description: Status of the server.
              type: str
            node:
              description: Host name of its hypervisor.
              type: str
            mac:
              description: MAC address of the interface.
              type: str
    floating_ips:
      description: The floating IPs.
      type: list
      elements: dict
      contains:
        address:
          description: Address of the floating IP.
          type: str
        pool:
          description: Pool of the address.
          type: str
        server:
          description:
            - Name of the server that the floating IP is attached to; null if there is none.
          type: str
        lb:
          description:
            - Name of the load balancer that the floating IP is attached to; null if there is none.
          type: str
        port:
          description:
            - Name of the port that the floating IP is attached to, if the port was created by
              M(hanok.cloud.port).
          type: str
        fixed_ip:
          description: Fixed IP that the floating IP is translated to; null if it is detached.
          type: str
    volumes:
      description: The volumes.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the volume.
          type: str
        size:
          description: Size of the volume in GB.
          type: int
        server:
          description: Name of the server that the volume is attached to; null unless it is one.
          type: str
        servers:
          description: Names of all servers that the volume is attached to.
          type: list
          elements: str
        bootable:
          description: Whether it is the root volume of its server.
          type: bool
    security_groups:
      description: The security groups.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the security group.
          type: str
        rules:
          description: Rules of the security group.
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
              description:
                - Port (an integer) or port range (a string such as C(8000-8080)); null for all
                  ports.
              type: raw
            remote:
              description: Remote side of the rule, V(any), a CIDR, or a group as C(group:NAME).
              type: str
            foreign:
              description:
                - Only in a rule of a kind that tasks cannot write, such as one that another program
                  created; then V(true). Its protocol, port and remote are null.
              type: bool
              returned: if the rule is foreign
            id:
              description: Identifies a foreign rule in its cloud.
              type: str
              returned: if the rule is foreign
            text:
              description: A foreign rule in one line.
              type: str
              returned: if the rule is foreign
        servers:
          description: Names of the servers that use the security group.
          type: list
          elements: str
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.topology import main

if __name__ == '__main__':
    main()
