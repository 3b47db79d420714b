#!/bin/sh
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Starts servers in their start_order at the boot of the host.
#   hanok-start hold    before libvirtd starts: if a server has an order, libvirtd starts no machine
#   hanok-start start   starts all machines that have autostart: those of others first, then servers
#                       by their order, then servers without one
#
# libvirtd starts machines once in a boot, and knows by this file that it has (libvirt 6.9 and later,
# virDriverShouldAutostart). With another libvirt only the order is lost.
set -eu
export LC_ALL=C
STARTED=/run/libvirt/qemu/autostarted
LAST=10000 # higher than every start_order

virsh() {
  command virsh --quiet --connect qemu:///system "$@" </dev/null
}

hold() {
  if grep -qs '"start_order": [1-9]' /etc/libvirt/qemu/autostart/*.xml; then
    mkdir -p "${STARTED%/*}"
    : >"$STARTED"
  fi
}

# In the metadata of a server: a JSON text, in which the texts of users have escaped quotes.
number() { # OPTION DEFINITION
  printf '%s\n' "$2" | sed -n "s/.*\"$1\": \\([0-9]\\{1,4\\}\\)[,}].*/\\1/p" | head -n 1
}

# One line for each machine: its order, its delay, its UUID.
machines() {
  for machine in $(virsh list --inactive --autostart --uuid); do
    definition=$(virsh dumpxml --inactive "$machine") || continue # it was deleted
    order=0
    case $definition in *hanok.cloud/xmlns/server*)
      order=$(number start_order "$definition")
      [ "${order:-0}" != 0 ] || order=$LAST
      ;;
    esac
    delay=0
    [ "$order" = 0 ] || [ "$order" = $LAST ] || delay=$(number start_delay "$definition")
    echo "$order ${delay:-0} $machine"
  done | sort -n
}

# One that does not start keeps no other from starting.
start() {
  failed=0
  for machine in $(machines | tr ' ' :); do
    identity=${machine##*:}
    delay=${machine#*:}
    virsh start "$identity" || [ "$(virsh domstate "$identity")" = running ] || failed=1
    sleep "${delay%:*}"
  done
  return $failed
}

"$@"
