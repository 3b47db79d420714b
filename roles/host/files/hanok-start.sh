#!/bin/sh
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Starts servers in their start_order at the boot of the host, and shuts them down the other way.
#   hanok-start hold    before libvirtd starts: mounts the file systems of containers that have a
#                       limit, and their volumes; if a server has an order, libvirtd starts no machine
#   hanok-start start   starts all machines that have autostart: load balancers and those of others
#                       first, then servers by their order, then servers without one
#   hanok-start stop    presses power buttons of virtual machines: all at once, or if a running one
#                       has an order, in the reverse one, each time until those pressed are off, a
#                       minute in all
#
# Virtual machines and containers are machines of two drivers of libvirt: qemu, lxc. Each starts its
# own once in a boot, and knows by the file /run/libvirt/DRIVER/autostarted that it has (libvirt 6.9
# and later, virDriverShouldAutostart). With another libvirt only the order is lost.
set -eu
export LC_ALL=C
DRIVERS='qemu lxc'
LAST=10000 # higher than every start_order
TIME_TO_STOP=60

virsh() { # DRIVER WORD...
  uri=$1:///system
  shift
  command virsh --quiet --connect "$uri" "$@" </dev/null
}

# libvirtd may be restarted at any time. At most ten minutes.
await_libvirt() {
  tries=0
  until virsh qemu uri >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || return 1
    sleep 1
  done
}

# The file systems of containers with a limit, and their volumes, before anything starts these. A file
# with this name is complete. See file_systems.py of the modules, which mount with the same options.
mount_files() {
  for disk in /var/lib/hanok/servers/*/root.raw /var/lib/hanok/volumes/*.raw; do
    folder=${disk%.raw}
    if [ -e "$disk" ] && ! mountpoint -q "$folder"; then
      mkdir -p "$folder"
      mount -t ext4 -o loop,nodev,discard "$disk" "$folder" || true # the others are mounted, too
    fi
  done
}

hold() {
  mount_files
  if grep -qs '"start_order": [1-9]' /etc/libvirt/*/autostart/*.xml; then
    for driver in $DRIVERS; do
      mkdir -p "/run/libvirt/$driver"
      : >"/run/libvirt/$driver/autostarted"
    done
  fi
}

# In the metadata of a server: a JSON text, in which the texts of users have escaped quotes.
number() { # OPTION DEFINITION
  printf '%s\n' "$2" | sed -n "s/.*\"$1\": \\([0-9]\\{1,4\\}\\)[,}].*/\\1/p" | head -n 1
}

# One line for each machine, by their order: ORDER:DELAY:DRIVER:UUID.
in_order() { # DRIVER UUID...
  driver=$1
  shift
  for machine in "$@"; do
    definition=$(virsh "$driver" dumpxml "$machine") || continue # it was deleted
    order=0
    case $definition in
      *'"balancer": {'*) ;; # it waits for none of its members
      *hanok.cloud/xmlns/server*)
        order=$(number start_order "$definition")
        [ "${order:-0}" != 0 ] || order=$LAST
        ;;
    esac
    delay=0
    [ "$order" = 0 ] || [ "$order" = $LAST ] || delay=$(number start_delay "$definition")
    echo "$order:${delay:-0}:$driver:$machine"
  done
}

# Unless it runs, or was stopped or deleted while others were started.
start_one() { # ORDER DELAY DRIVER UUID
  for _ in 1 2; do
    await_libvirt || return 1
    waiting=$(virsh "$3" list --inactive --autostart --uuid) || continue
    case $waiting in *"$4"*) ;; *) return 0 ;; esac
    if virsh "$3" start "$4"; then
      sleep "$2"
      return 0
    fi
  done
  return 1
}

# One that does not start keeps no other from starting.
start() {
  mount_files # what has come since, such as a mount of NFS with volumes
  await_libvirt
  failed=0
  ordered=''
  for driver in $DRIVERS; do
    machines=$(virsh "$driver" list --inactive --autostart --uuid) || failed=1
    # shellcheck disable=SC2086 # words are meant
    ordered="$ordered $(in_order "$driver" $machines)"
  done
  # shellcheck disable=SC2046,SC2086 # words are meant
  for machine in $(printf '%s\n' $ordered | sort -n); do
    start_one $(echo "$machine" | tr : ' ') || failed=1
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
    running=$(virsh qemu list --uuid) || return 0
    printf '%s\n' "$@" | grep -qxF "$running" || return 0
    sleep 0.5
  done
}

stop() {
  machines=$(virsh qemu list --uuid)
  [ -n "$machines" ] || return 0
  # shellcheck disable=SC2086 # words are meant
  ordered=$(in_order qemu $machines | sort -n)
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
