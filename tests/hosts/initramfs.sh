#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# initramfs.sh ROOT    has the first root file system of a virtual machine built with the drivers
#                      that it needs, before the kernel is installed
set -euo pipefail

mkdir -p "$1/etc/initramfs-tools/conf.d"
printf '%s\n' MODULES=list COMPRESS=gzip FSTYPE=ext4 RESUME=none \
  >"$1/etc/initramfs-tools/conf.d/machine"
printf '%s\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
