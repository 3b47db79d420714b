#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# machine.sh ROOT    sets up the root file system of a host that is a virtual machine
set -euo pipefail
root=$1

within() {
  chroot "$root" "$@"
}

echo host >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 host\n' >"$root/etc/hosts"
cat >"$root/etc/fstab" <<'E'
/dev/vda / ext4 defaults 0 1
images /mnt/images 9p trans=virtio,version=9p2000.L,ro,nofail 0 0
E
mkdir -p "$root/mnt/images"
cat >"$root/etc/systemd/network/eth0.network" <<'E'
[Match]
Name=eth0
[Network]
DHCP=ipv4
E
within systemctl --quiet enable systemd-networkd.service
# The image is of a host on which the role host has not run yet.
within systemctl --quiet disable haproxy.service
