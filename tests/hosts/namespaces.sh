#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# namespaces.sh FILE    mounts the hierarchies of cgroup version 1 of a host, of which this process
#                       is in the roots, writes its PID to FILE, and keeps them until it is killed
set -euo pipefail

hierarchies=$(awk '$3 == "cgroup" {count = split($2, parts, "/"); print parts[count]}' /proc/self/mounts)
if [ -n "$hierarchies" ]; then
  umount -R -l /sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for hierarchy in $hierarchies; do
    mkdir "/sys/fs/cgroup/$hierarchy"
    options=$hierarchy
    [ "$hierarchy" != systemd ] || options=none,name=systemd
    mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/$hierarchy"
  done
fi
echo $$ >"$1.new"
mv "$1.new" "$1"
exec sleep infinity
