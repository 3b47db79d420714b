#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# customize.sh ROOT    sets up the root file system of a host: a user, and what this machine knows of
#                      its mirror
set -euo pipefail
root=$1

within() {
  chroot "$root" "$@"
}

mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates" 2>/dev/null || true
within update-ca-certificates >/dev/null 2>&1
within useradd --create-home --shell /bin/bash admin
install -d -m 700 "$root/home/admin/.ssh"
echo "$PUBLIC_KEY" >"$root/home/admin/.ssh/authorized_keys"
within chown -R admin:admin /home/admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/admin"
chmod 440 "$root/etc/sudoers.d/admin"
