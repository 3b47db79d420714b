# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# shellcheck shell=bash
#
# What both kinds of fresh hosts need: host and vm.

fail() {
  echo "${0##*/}: $*" >&2
  exit 2
}

make_key() {
  [ -e "$KEY" ] || ssh-keygen -q -t ed25519 -N '' -C 'hosts of tests' -f "$KEY"
}

# The mirrors that this machine uses, for another suite.
mirrors() {
  local mirror
  mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources | head -n 1)
  mirror=${mirror%/}
  printf 'deb %s %s main\n' "${mirror:=http://deb.debian.org/debian}" "$1" "$mirror" "$1-updates"
  printf 'deb %s-security %s-security main\n' "$mirror" "$1"
}
