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
  - A server is a virtual machine or a container (O(type)). Options that are not set are not
    managed. Changes that cannot be made are refused, and the message tells what to do instead.
  - With O(count), a group of equal servers NAME-1 to NAME-N is managed; they are created in
    parallel.
extends_documentation_fragment:
  - hanok.cloud.cloud
  - hanok.cloud.attributes
options:
  name:
    description:
      - Name of the server or of the group. Letters, digits and hyphens, because it is the host
        name.
      - It is a DNS name in the networks of the server, so it must be unique among their servers and
        load balancers, ignoring case.
    type: str
    required: true
  count:
    description:
      - Number of servers in the group. Members with higher numbers are deleted, which requires
        O(allow_shrink=true).
      - New members of an existing group inherit the options that are not set from its first member,
        except for addresses and the floating IP. Only a hash of O(user_data) is recorded, so set it
        again.
    type: int
  type:
    description:
      - What the server is. Defaults to what its image is for; it cannot be changed.
      - V(vm) is a virtual machine.
      - V(container) is a container of libvirt-LXC, whose users are unprivileged ones of the host.
        Its image has C(disk_format=root-tar) (M(hanok.cloud.image)). Its volumes are
        those with a file system (M(hanok.cloud.volume)). It has no guest agent, and options about
        that are refused. Not for an OpenStack.
    type: str
    choices: [vm, container]
  state:
    description:
      - V(present) creates the server if it does not exist, and never starts or stops an existing
        one. V(started) also starts it, resumes it if it is paused, and unshelves it.
      - V(stopped) shuts the guest down and waits until it is off.
      - V(restarted) shuts the guest down, waits until it is off, and starts it; a stopped server is
        started. With O(force=true) it is powered off instead. It is an event and not a state, so
        the task always reports a change.
      - V(paused) keeps the machine from running, with its memory. V(shelved) shuts the guest down
        and gives memory and CPU back; the disks and addresses are kept, and the server is not
        billed.
      - V(absent) deletes the server with its root disk and its automatic floating IP. Volumes and
        floating IPs that were created on their own are kept.
    type: str
    choices: [present, started, stopped, restarted, paused, shelved, absent]
    default: present
  flavor:
    description:
      - Name of the flavor. Required to create the server, unless O(vcpus) and O(memory) are set.
        Changing it on a running server requires O(allow_restart=true), unless the server has room
        for the new size (C(max_vcpus) and C(max_memory) of the flavor that it was started with).
    type: str
  vcpus:
    description:
      - Number of vCPUs, from 1 to 256, of a server without a flavor. It needs O(memory), too, and
        no O(flavor). A server that has a flavor loses it with these, and the other way round. A
        change on a running server requires O(allow_restart=true).
    type: int
  memory:
    description:
      - Memory in MiB, from 32 to 4194304, of a server without a flavor. It needs O(vcpus), too.
        Under 512 MiB there is a warning.
    type: int
  image:
    description:
      - Name of the image that the root disk is created from. Required to create the server.
    type: str
  like:
    description:
      - Name of a server whose options a new one takes where they are not set, except for addresses,
        the floating IP and volumes. No data is copied. Of O(user_data) only a hash is recorded, so
        set it again.
      - It has no effect on a server that exists.
    type: str
  key_name:
    description:
      - Name of the key pair whose public key is authorized. Equivalent to O(key_names) with one
        name; set only one of the two.
    type: str
  key_names:
    description:
      - Names of the key pairs whose public keys are authorized, at most 20. Their order does not
        matter.
      - They are written at the first boot and not changed later.
    type: list
    elements: str
  security_groups:
    description: Names of the security groups, at most three. Defaults to V(default).
    type: list
    elements: str
  networks:
    description:
      - Network interfaces. Defaults to one in the network V(default).
      - Of an existing server, those that are not in the list are removed, and others added, also
        while it runs. A list without addresses leaves the interfaces that it already has in these
        networks. What stays keeps its order, and what is new comes last.
      - A new interface has to be set up in the guest, which is told of it by DHCP only; cloud-init
        sets up those of the first boot. A paused guest releases no interface.
      - The floating IP of an interface that is removed needs a word in O(floating_ip); V(auto), or
        its address, moves it to the first interface that stays.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the network. Set this, O(networks[].port) or O(networks[].bridge).
        type: str
      port:
        description:
          - Name of a port created by M(hanok.cloud.port). The port defines network, address, MAC
            address and security groups, so set no other option.
        type: str
      bridge:
        description:
          - Name of a bridge of the host, instead of a network, for example one in the LAN. The
            operator lists those that servers may be on (C(host_bridges) of the role host; none by
            default). Not for an OpenStack.
          - Nothing here gives addresses, names or routes on it, and no security group applies. The
            guest has to set up the interface, also at its first boot, and to filter what it
            receives. Interfaces on bridges come after those in networks.
          - A server that is only on bridges has no RV(server.fixed_ip), no floating IP, and no
            security groups, and is no member of a load balancer. At its first boot cloud-init asks
            for an address by DHCP on the first of its interfaces, and goes on without an answer.
            Plays reach it by an address of the LAN, or by its guest agent
            (P(hanok.cloud.agent#connection)).
        type: str
      vlan:
        description:
          - Number of the VLAN of the bridge that the interface is in, V(1) to V(4094). The guest
            sends and receives without a tag. Defaults to the VLAN that the bridge gives to new
            devices.
          - Its operator has turned on C(vlan_filtering) of the bridge, and lets its uplink carry
            the VLAN. Another number makes another interface, with another MAC address unless
            O(networks[].mac) is set.
        type: int
      fixed_ip:
        description: Fixed IP in the network. Defaults to any free one.
        type: str
      mac:
        description:
          - MAC address. Defaults to one derived from the network and the address, and on a bridge
            to a random one.
        type: str
      security_groups:
        description:
          - Names of the security groups of this interface, at most three. Defaults to those of the
            server.
          - An empty list removes them, so that the interface uses those of the server again.
        type: list
        elements: str
  user_data:
    description:
      - User data for cloud-init, a script (C(#!)) or C(#cloud-config). It runs once, at the first
        boot. Only a keyed hash of it is recorded.
    type: str
  root_password:
    description:
      - Password of root of a container that is created, or re-created (O(on_drift)); 8 to 128
        characters, and what the policy of libpwquality takes, where the host has its C(pwscore).
      - The host sets its hash (C(openssl passwd -6)) before the first boot. Only a keyed hash of it
        is recorded, by which another one is refused for a server that exists. What is changed
        inside, stays until the server is re-created.
        Not for virtual machines (set it by O(user_data)), nor for an OpenStack.
    type: str
  init_script:
    description:
      - Name of an init script created by M(hanok.cloud.init_script), instead of O(user_data). It
        runs once, at the first boot.
    type: str
  volume_size:
    description:
      - Size of the root volume in GB (2^30 bytes). It can grow and never shrinks. Defaults to that
        of the flavor, and without one to what the image requires. The volume is shown and can also
        be extended by M(hanok.cloud.volume), under the name of the server and V(/root).
      - Of a container it limits what its files take; flavors do not, and without it nothing does.
        The limit is set when a container is created, or re-created (O(on_drift)), and can grow. It
        is no volume.
    type: int
  grow:
    description:
      - Whether the partition and the file system of the root disk are to fill it, also after it was
        extended (O(volume_size), O(flavor)), as O(hanok.cloud.volume#module:grow) says. A server
        that exists must run, with a guest agent. A new one is not looked at (images mostly do it at
        their first boot), and for a guest that has just started, use O(wait_for=init).
    type: bool
    default: false
  floating_ip:
    description:
      - V(auto) for a floating IP that is created and deleted with the server, V(none), or an
        address.
    type: str
  guest_agent:
    description:
      - Whether the machine has a channel for the QEMU guest agent. Defaults to V(true) for a new
        server. A change requires a restart.
      - With V(false) the guest cannot talk to libvirt. The result of the first boot is then read
        from the console, O(wait_for=ip) uses ARP, and it is not known whether a volume is mounted.
    type: bool
  on_crash:
    description:
      - What to do if the machine of a running server ends by itself, because QEMU was killed or
        crashed, for example when the host had no memory left. Defaults to V(restart) for a new
        server; the host starts it again within half a minute, if it has systemd.
      - V(stop) leaves it off, until O(state=started) or the next boot of the host starts it. So is
        a server that its guest has shut down; O(state=stopped) keeps it off also then.
        A panic of a guest's kernel is its own matter (C(panic=) of Linux). Not for an OpenStack.
    type: str
    choices: [restart, stop]
  start_order:
    description:
      - When the server is started at the boot of its host, if it ran before. Servers with an order
        are started one after the other, the smallest first, V(1) to V(9999); then those without,
        V(0), which is the default for a new server. At shutdown it is the other way round for
        virtual machines, and containers end in no order. Not for an OpenStack.
    type: int
  start_delay:
    description:
      - Seconds until the next server is started after this one, V(0) to V(3600), for example until
        a database accepts connections. Only for a server with O(start_order). Defaults to V(0) for
        a new server.
    type: int
  swap:
    description:
      - How much of a container may be in the swap space of the host (MiB), beside its memory; it
        changes while the container runs. Without swap space on the host it has no effect. Defaults
        to V(0) for a new server. Not for virtual machines, nor for an OpenStack.
    type: int
  dns_servers:
    description:
      - IPv4 addresses of up to three DNS servers in C(/etc/resolv.conf) of a container, in their
        order. Without any, V([]), which is the default for a new server, it is the one of its first
        network, which alone knows the names of the servers there.
        Virtual machines ask by DHCP; not for them, nor for an OpenStack.
    type: list
    elements: str
  dns_domain:
    description:
      - Domain of a container, such as V(example.com). It is searched for names without one
        (C(/etc/resolv.conf)), and completes the container's own name in C(/etc/hosts), which the
        host writes then. V(none), which is the default for a new server, for no domain.
        Not for virtual machines, nor for an OpenStack.
    type: str
  hardware:
    description:
      - Hardware of the machine. What is not set is not managed; for a new server it is as the
        O(hardware.os_type) has it by default. A change of a running server requires
        O(allow_restart=true).
    type: dict
    suboptions:
      os_type:
        description:
          - Kind of the guest. It chooses devices that the guest can drive as it is installed.
            V(linux) has virtio; V(windows) has a root disk and a CD on SATA, an e1000e NIC, a clock
            in local time, and on KVM what Windows expects of Hyper-V; V(other) has SATA and
            rtl8139. Defaults to V(linux).
        type: str
        choices: [linux, windows, other]
      sockets:
        description:
          - Number of CPU sockets. The product of sockets, cores and threads is the number of vCPUs;
            what is not set follows from the others. By default each vCPU is a socket.
          - With any of the three the number of vCPUs changes only together with them. Where the
            flavor has C(max_vcpus), that is the number.
        type: int
      cores:
        description: Number of cores of a socket.
        type: int
      threads:
        description: Number of threads of a core. Defaults to 1.
        type: int
      cpu_model:
        description:
          - CPU model by the name that libvirt has for it, such as V(Nehalem), or V(host-model),
            V(host-passthrough) or V(maximum). What the host cannot do is refused with the list.
          - V(default) is V(host-passthrough) on KVM, and V(maximum) without.
        type: str
      disk_bus:
        description:
          - Bus of the root volume, and of the volumes that are attached. On V(sata), they are
            attached and detached only while the server is off.
        type: str
        choices: [virtio, scsi, sata]
      nic_model:
        description: Model of the network interfaces.
        type: str
        choices: [virtio, e1000e, rtl8139]
      video:
        description: Model of the graphics card. Defaults to V(vga).
        type: str
        choices: [vga, virtio, qxl, none]
      boot_order:
        description:
          - Devices that the machine boots from, in this order. V(disk) is the root disk; V(network)
            is the first network interface, with PXE. Defaults to V(disk) alone.
        type: list
        elements: str
        choices: [disk, cdrom, network]
      firmware:
        description:
          - Firmware, V(bios) or V(efi), which the image must have a boot loader for. Defaults to
            V(bios). The host needs the package C(ovmf) for V(efi).
          - What EFI keeps (NVRAM) stays with the server until it is rebuilt. It is not in
            snapshots without memory.
        type: str
        choices: [bios, efi]
      secure_boot:
        description:
          - Whether EFI starts only what is signed with a key of Microsoft, as installed systems of
            most distributions and Windows are. Defaults to V(false). Needs
            O(hardware.firmware=efi).
        type: bool
      tpm:
        description:
          - Whether the machine has a TPM 2.0, which Windows 11 expects. Defaults to V(false). The
            host needs the packages C(swtpm) and C(swtpm-tools).
          - Its content stays with the server until that is rebuilt, or has no TPM any more.
        type: bool
      cdroms:
        description:
          - Names of ISO images (O(hanok.cloud.image#module:disk_format=iso)) that the server has in
            CD drives of its own, at most two. Defaults to none; V([]) removes the drives.
          - If the number stays the same, the images are changed while the server runs, also if its
            guest has mounted them. V(cdrom) in O(hardware.boot_order) is the first one.
        type: list
        elements: str
  delete_protection:
    description:
      - Whether the server is protected from deletion. V(false) also lifts the protection in the
        task that deletes the server.
    type: bool
  wait_for:
    description:
      - What to wait for, unless O(wait=false). V(running) waits until the status is C(ACTIVE).
        V(init) waits for the end of the first boot, and fails if the first boot failed. V(ip) and
        V(ssh) need a network; see O(networks[].bridge).
      - When O(wait_timeout) is over, the message has the status of each server that is not ready,
        and the last lines of its console (see M(hanok.cloud.server_log)).
    type: str
    choices: [running, ip, ssh, init]
    default: running
  allow_restart:
    description: Whether a change may restart the server.
    type: bool
    default: false
  allow_shrink:
    description: Whether a lower O(count) may delete servers.
    type: bool
    default: false
  force:
    description:
      - Whether to power the server off instead of shutting it down, with O(state=stopped),
        O(state=restarted) and O(state=shelved).
    type: bool
    default: false
  delete_snapshots:
    description:
      - Whether a server that has snapshots may be deleted, or re-created (O(on_drift)), with them.
        Volumes that are attached to it stay as they are, without what the snapshots hold of them.
    type: bool
    default: false
  on_drift:
    description:
      - What to do if an existing server differs in an option that takes effect only with a new root
        disk (O(image), O(key_name), O(key_names), O(user_data), O(init_script), a smaller
        O(volume_size), or the first one of a container).
      - V(fail) refuses the task. V(ignore) leaves the server as it is, with a warning.
      - V(recreate) deletes its root disk with all data on it, and creates another one. Its id,
        addresses, floating IP and separate volumes stay; it boots as a new server, with new SSH
        host keys. A protected server is refused, and one with snapshots unless
        O(delete_snapshots=true). In an OpenStack the root disk keeps its size.
    type: str
    choices: [fail, ignore, recreate]
    default: fail
  max_unavailable:
    description:
      - At most so many servers of the group are restarted at a time. Each is ready (O(wait_for))
        and healthy in its load balancers before the next one; if it is not, the others stay as they
        are. Load balancers drain a server before its guest is shut down.
    type: int
    default: 1
  repair:
    description:
      - Whether to redefine, as recorded, a machine that was altered or removed by hand
        (V(UNMANAGED)). Without it such a server is refused.
      - A running machine is not affected until its next start.
    type: bool
    default: false
  description:
    description: Description, one line of at most 255 characters.
    type: str
  labels:
    description: Labels. If set, they replace all existing labels.
    type: dict
author:
  - Hanok developers (@hanok)
"""

EXAMPLES = r"""
- name: Create a server with a floating IP, and wait until the script of its first boot is done
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

- name: Protect the server from deletion
  hanok.cloud.server:
    name: hello
    delete_protection: true
    labels:
      stage: production

- name: Power the server off; without force the guest is shut down
  hanok.cloud.server:
    name: hello
    state: stopped
    force: true

- name: Restart the server
  hanok.cloud.server:
    name: hello
    state: restarted

- name: Put the server away without its memory, but with its disks and addresses
  hanok.cloud.server:
    name: hello
    state: shelved
    force: true

- name: Start the server
  hanok.cloud.server:
    name: hello
    state: started

- name: Delete the server although it is protected
  hanok.cloud.server:
    name: hello
    state: absent
    delete_protection: false

- name: Create a server in two networks, with a fixed IP in one of them, and do not start it
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

- name: Also give the server an interface on a bridge of the host
  hanok.cloud.server:
    name: db
    networks:
      - name: default
      - name: backend
      - bridge: br0

- name: Create a server that is only in the LAN, on a bridge of the host
  hanok.cloud.server:
    name: printer
    flavor: g1.nano
    image: tiny
    networks:
      - bridge: br0
    wait_for: init

- name: Leave the server only its interface in one of the networks
  hanok.cloud.server:
    name: db
    networks:
      - name: backend

- name: Create a similar server, with a larger root volume and none of its data
  hanok.cloud.server:
    name: db2
    like: db
    volume_size: 5
    networks:
      - name: default
    state: stopped

- name: Resize the server and its root volume; it may be restarted
  hanok.cloud.server:
    name: db
    flavor: g1.micro
    volume_size: 5
    allow_restart: true

- name: Extend the root volume, and the file system on it, while the server runs
  # not run by the tests: their small image has no growpart; test_debian.py grows a root volume
  hanok.cloud.server:
    name: db
    volume_size: 8
    grow: true

- name: Give the server another script of its first boot, with a new root disk; its addresses stay
  hanok.cloud.server:
    name: db
    user_data: |
      #!/bin/sh
      echo ready >/etc/motd
    on_drift: recreate

- name: Create a server with vCPUs and memory of its own, without a flavor
  hanok.cloud.server:
    name: odd
    image: tiny
    vcpus: 3
    memory: 640
    state: stopped

- name: Give it two cores in a socket, and a CPU that looks like an older one
  hanok.cloud.server:
    name: odd
    vcpus: 4
    memory: 640
    hardware:
      cores: 2
      cpu_model: qemu64

- name: Insert a CD, for which the server gets a drive
  hanok.cloud.server:
    name: odd
    hardware:
      cdroms: [drivers]

- name: Create a group of three equal servers, worker-1 to worker-3
  hanok.cloud.server:
    name: worker
    count: 3
    flavor: g1.nano
    image: tiny
    labels:
      tier: worker
  register: workers

- name: Show their addresses
  ansible.builtin.debug:
    msg: "{{ workers.servers | map(attribute='fixed_ip') }}"

- name: Reduce the group to one server
  hanok.cloud.server:
    name: worker
    count: 1
    allow_shrink: true

- name: Delete the group
  hanok.cloud.server:
    name: worker
    state: absent
"""

RETURN = r"""
server:
  description:
    - The server; null if it does not exist. With O(count), RV(servers) is returned instead.
  returned: success
  type: dict
  contains:
    id:
      description: UUID of the server.
      type: str
    name:
      description: Name of the server.
      type: str
    type:
      description: V(vm) or V(container).
      type: str
    status:
      description:
        - V(BUILD), V(ACTIVE), V(SHUTOFF), V(PAUSED), V(SHELVED_OFFLOADED), V(RESCUE),
          V(VERIFY_RESIZE), V(ERROR) (a change was not completed, see RV(server.unfinished)) or
          V(UNMANAGED) (its machine differs from the record).
      type: str
    status_reason:
      description:
        - What differs from the record, what was not completed, with its error and the task that
          completes it, or why the server is paused; null if there is nothing to report.
      type: str
    task_state:
      description:
        - What another run is doing with the server; null if no run is working on it.
      type: str
    unfinished:
      description:
        - What an earlier run began and did not complete, because it was interrupted or failed; null
          if there is nothing. The next task for the server completes it.
      type: str
    billable:
      description: Whether the server counts for billing in this status.
      type: bool
    flavor:
      description: Flavor of the server; null if it has none.
      type: str
    vcpus:
      description: Number of vCPUs.
      type: int
    memory:
      description: Memory in MiB.
      type: int
    resized_from:
      description:
        - Flavor before a resize that is neither confirmed nor reverted; null if there was none.
      type: str
    max_vcpus:
      description: Number of vCPUs that it can get while it runs; null if no more.
      type: int
    max_memory:
      description: Memory in MiB that it can get while it runs; null if no more.
      type: int
    image:
      description: Image that the root disk was created from.
      type: str
    os_admin_user:
      description:
        - Name of the user who logs in, which is O(hanok.cloud.image#module:os_admin_user) of its
          image; null if that is not known.
      type: str
    node:
      description:
        - Host name of the hypervisor that the server is on; null if the cloud does not tell it, as
          an OpenStack tells it to administrators only.
      type: str
    rescue_image:
      description: Image that the server is rescued with; null if it is not rescued.
      type: str
    key_name:
      description: Name of its first key pair; null if it has none.
      type: str
    key_names:
      description: Names of its key pairs.
      type: list
      elements: str
    user_data:
      description:
        - The placeholder (sensitive value) if the server was created with user data; null
          otherwise.
      type: str
    root_password:
      description:
        - The placeholder (sensitive value) if the container was created with a password of root;
          null otherwise.
      type: str
    init_script:
      description: Name of the init script that the server was created with.
      type: str
    volume_size:
      description:
        - Size of the root volume in GB; of a container, the limit of its files, or null if it has
          none.
      type: int
    security_groups:
      description: Names of its security groups.
      type: list
      elements: str
    networks:
      description: Network interfaces of the server.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the network; null on a bridge of the host.
          type: str
        bridge:
          description: Name of the bridge of the host; null in a network.
          type: str
        vlan:
          description: Number of its VLAN on the bridge; null without one.
          type: int
        fixed_ip:
          description: Fixed IP in the network; null on a bridge.
          type: str
        mac:
          description: MAC address of the interface.
          type: str
        port:
          description: Name of the port, if it was created by M(hanok.cloud.port); null otherwise.
          type: str
        security_groups:
          description: Security groups of the interface; null if it uses those of the server.
          type: list
          elements: str
    fixed_ip:
      description: Fixed IP in the first network; null if it is only on bridges of the host.
      type: str
    floating_ip:
      description: Floating IP of the server; null if there is none.
      type: str
    volumes:
      description: Names of the attached volumes, without the root volume.
      type: list
      elements: str
    read_only_volumes:
      description: Names of those attached volumes that the server may only read.
      type: list
      elements: str
    snapshots:
      description: Names of the snapshots of the server, the oldest first.
      type: list
      elements: str
    guest_agent:
      description: Whether the machine has a channel for the QEMU guest agent.
      type: bool
    on_crash:
      description: What the host does when the machine has crashed, C(restart) or C(stop).
      type: str
    start_order:
      description: When the server is started at the boot of its host; 0 is after those with one.
      type: int
    start_delay:
      description: Time until the next server is started after it (seconds).
      type: int
    swap:
      description: How much of a container may be in the swap space of the host (MiB).
      type: int
    dns_servers:
      description: DNS servers of a container; empty if it asks the one of its first network.
      type: list
      elements: str
    dns_domain:
      description: Domain of a container; null if it has none.
      type: str
    hardware:
      description: Hardware of the machine; null if the cloud decides about it, and for a container.
      type: dict
      contains:
        os_type:
          description: Kind of the guest, which its other values follow by default.
          type: str
        sockets:
          description: Number of CPU sockets.
          type: int
        cores:
          description: Number of cores of a socket.
          type: int
        threads:
          description: Number of threads of a core.
          type: int
        cpu_model:
          description: CPU model; V(default) is the best that the host has.
          type: str
        disk_bus:
          description: Bus of its volumes, the root volume included.
          type: str
        nic_model:
          description: Model of the network interfaces.
          type: str
        video:
          description: Model of the graphics card.
          type: str
        boot_order:
          description: Devices that the machine boots from.
          type: list
          elements: str
        firmware:
          description: Firmware, C(bios) or C(efi).
          type: str
        secure_boot:
          description: Whether it starts only what is signed.
          type: bool
        tpm:
          description: Whether the machine has a TPM.
          type: bool
        cdroms:
          description: Names of the ISO images in its CD drives.
          type: list
          elements: str
    delete_protection:
      description: Whether the server is protected from deletion.
      type: bool
    outdated:
      description:
        - Options whose meaning has changed since the server was created, such as V(init_script) if
          the content of the script was changed. Empty if that is not known, as after a recovery.
      type: list
      elements: str
    description:
      description: Description of the server.
      type: str
    labels:
      description: Labels of the server.
      type: dict
    member_of:
      description: Name of the group that the server was created in, with O(count).
      type: str
    project:
      description: Project of the server.
      type: str
    created_by:
      description: User who created the server.
      type: str
    created_at:
      description: Creation time of the server (UTC).
      type: str
servers:
  description: The servers of the group, each like RV(server).
  returned: success, with O(count)
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

from ansible_collections.hanok.cloud.plugins.module_utils._ansible.server import main

if __name__ == '__main__':
    main()
