#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# podman.sh ROOT    sets up the root file system of a host in podman
set -euo pipefail

# With cgroup version 1 and systemd-machined libvirt 9 starts no container ("NoMachineForPID").
echo path-exclude=/usr/share/dbus-1/system-services/org.freedesktop.machine1.service \
  >"$1/etc/dpkg/dpkg.cfg.d/no-machined"
