# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server is: a virtual machine or a container."""

from __future__ import annotations

VM, CONTAINER = 'vm', 'container'
TYPES = (VM, CONTAINER)
# The disk format of an image for containers: a tar archive of a root file system, as it is called
# in Glance for nova-lxd.
ROOT_TAR = 'root-tar'
# An OCI image, whose layers are kept as such an archive; what it runs is recorded.
OCI = 'oci'
ROOTS = (ROOT_TAR, OCI)
# The options of containers only, which virtual machines have as by default.
OF_CONTAINERS = frozenset({'dns_servers', 'dns_domain', 'root_password', 'swap'})
