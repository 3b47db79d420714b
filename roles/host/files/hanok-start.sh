#!/bin/sh
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Starts servers in their start_order at the boot of the host, and shuts them down the other way.
#   hanok-start hold    before libvirtd starts: if a server has an order, libvirtd starts no machine
#   hanok-start start   starts all machines that have autostart: those of others first, then servers
#                       by their order, then servers without one
#   hanok-start stop    presses power buttons: all at once, or if a running server has an order, in
#                       the reverse one, each time until those pressed are off, a minute in all
#
# libvirtd starts machines once in a boot, and knows by this file that it has (libvirt 6.9 and later,
# virDriverShouldAutostart). With another libvirt only the order is lost.
set -eu
export LC_ALL=C
STARTED=/run/libvirt/qemu/autostarted
LAST=10000 # higher than every start_order
TIME_TO_STOP=60

virsh() {
  command virsh --quiet --connect qemu:///system "$@" </dev/null
}

# libvirtd may be restarted at any time. At most ten minutes.
await_libvirt() {
  tries=0
  until virsh uri >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || return 1
    sleep 1
  done
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

# One line for each machine, by their order: ORDER:DELAY:UUID.
in_order() { # UUID...
  for machine in "$@"; do
    definition=$(virsh dumpxml "$machine") || continue # it was deleted
    order=0
    case $definition in *hanok.cloud/xmlns/server*)
      order=$(number start_order "$definition")
      [ "${order:-0}" != 0 ] || order=$LAST
      ;;
    esac
    delay=0
    [ "$order" = 0 ] || [ "$order" = $LAST ] || delay=$(number start_delay "$definition")
    echo "$order:${delay:-0}:$machine"
  done | sort -n
}

# Unless it runs, or was stopped or deleted while others were started.
start_one() { # UUID DELAY
  for _ in 1 2; do
    await_libvirt || return 1
    waiting=$(virsh list --inactive --autostart --uuid) || continue
    case $waiting in *"$1"*) ;; *) return 0 ;; esac
    if virsh start "$1"; then
      sleep "$2"
      return 0
    fi
  done
  return 1
}

# One that does not start keeps no other from starting.
start() {
  await_libvirt
  failed=0
  machines=$(virsh list --inactive --autostart --uuid)
  # shellcheck disable=SC2086 # words are meant
  for machine in $(in_order $machines); do
    delay=${machine#*:}
    start_one "${machine##*:}" "${delay%:*}" || failed=1
  done
  return $failed
}

uptime() {
  cut -d . -f 1 /proc/uptime
}

press() { # UUID...
  printf '%s\n' "$@" |
    xargs -r -n 1 virsh -q -c qemu:///system shutdown --mode acpi || true # some are off by now
}

# One after the other has an equal part of the time that is left, so that a guest that ignores its
# power button takes it from none. libvirt-guests waits for the last ones.
await_off() { # UNTIL UUID...
  limit=$1
  shift
  while [ "$(uptime)" -lt "$limit" ]; do
    running=$(virsh list --uuid) || return 0
    printf '%s\n' "$@" | grep -qxF "$running" || return 0
    sleep 0.5
  done
}

stop() {
  machines=$(virsh list --uuid)
  [ -n "$machines" ] || return 0
  # shellcheck disable=SC2086 # words are meant
  ordered=$(in_order $machines)
  if ! printf '%s\n' "$ordered" | grep -qv -e '^0:' -e "^$LAST:"; then
    # shellcheck disable=SC2086
    press $machines
    return
  fi
  levels=$(printf '%s\n' "$ordered" | cut -d : -f 1 | sort -rnu)
  left=$(printf '%s\n' "$levels" | wc -l)
  end=$(($(uptime) + TIME_TO_STOP))
  for level in $levels; do
    members=$(printf '%s\n' "$ordered" | sed -n "s/^$level:.*://p")
    # shellcheck disable=SC2086
    press $members
    left=$((left - 1))
    [ $left -gt 0 ] || break
    now=$(uptime)
    # shellcheck disable=SC2086
    await_off $((now + (end - now) / left)) $members
  done
}

"$@"
