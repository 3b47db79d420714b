#!/bin/sh
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Starts the daemons of libvirt directly, on a host without systemd.
#   daemons.sh missing           prints the daemons that do not respond, and libvirtd if it must be
#                                restarted
#   daemons.sh start DAEMON...   starts daemons, and returns when they respond
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
HOOKS='/etc/libvirt/hooks/network.d/hanok /etc/libvirt/hooks/qemu.d/hanok /etc/libvirt/hooks/lxc.d/hanok'
RECORD=/run/hanok-daemons # what host_state: absent stops
STARTED=/run/libvirt/qemu/autostarted # libvirtd starts machines once in a boot
IN_ORDER=

succeeds() {
  timeout 10 "$@" >/dev/null 2>&1 </dev/null
}

is_responding() {
  case $1 in
    dbus-daemon)
      succeeds dbus-send --system --print-reply --dest=org.freedesktop.DBus \
        / org.freedesktop.DBus.GetId
      ;;
    virtlogd) succeeds virt-admin --connect virtlogd:///system server-list ;;
    libvirtd)
      succeeds virsh --connect qemu:///system uri && succeeds virsh --connect lxc:///system uri
      ;;
  esac
}

missing() {
  for daemon in dbus-daemon virtlogd libvirtd; do
    is_responding $daemon || echo $daemon
  done
  # libvirtd looks for hooks only at its start: one that is older than the hook does not call it
  for hook in $HOOKS; do
    if [ "$hook" -nt /run/libvirtd.pid ] && is_responding libvirtd; then
      echo libvirtd
      break
    fi
  done
}

wait_until() { # at most 30 seconds
  tries=0
  until "$@"; do
    [ $tries -lt 300 ] || return 1
    sleep 0.1
    tries=$((tries + 1))
  done
}

has_exited() {
  ! kill -0 "$1" 2>/dev/null
}

start_dbus() {
  mkdir -p /run/dbus
  rm -f /run/dbus/pid # stale: dbus-daemon does not respond
  dbus-daemon --system --fork
}

stop_libvirtd() {
  pid=$(cat /run/libvirtd.pid 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = libvirtd ] || return 0
  kill "$pid" 2>/dev/null || return 0 # it has ended meanwhile; servers keep running
  wait_until has_exited "$pid" || {
    echo "daemons.sh: libvirtd, process $pid, does not end" >&2
    exit 1
  }
}

# With cgroup version 1 the first machine after a boot makes the cgroup of all machines. It has no
# processors until libvirt has written them, and what starts in between fails ("Unable to write to
# cpuset.memory_migrate"). So it is complete before libvirtd is there.
make_partition() {
  cpusets=$(findmnt --first-only --noheadings --output TARGET --types cgroup --options cpuset) ||
    return 0
  mkdir -p "$cpusets/machine"
  for setting in cpuset.cpus cpuset.mems; do
    [ -n "$(cat "$cpusets/machine/$setting")" ] ||
      cat "$cpusets/$setting" >"$cpusets/machine/$setting"
  done
}

start_libvirtd() {
  stop_libvirtd
  make_partition || true # a hierarchy that is read-only has no machines either
  if [ ! -e "$STARTED" ]; then
    /usr/local/sbin/hanok-start hold
    [ ! -e "$STARTED" ] || IN_ORDER=1
  fi
  # Containers do not start with a second cgroup hierarchy beside version 1, so it is unmounted in a
  # mount namespace of libvirtd. Later mounts of the host must be visible there: / is shared, and
  # the namespace is its slave.
  [ "$(findmnt --noheadings --output PROPAGATION /)" = shared ] || mount --make-rshared /
  unshare --mount --propagation slave \
    sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec libvirtd --daemon'
}

start() {
  for daemon in "$@"; do
    echo "$daemon" >>"$RECORD"
    case $daemon in
      dbus-daemon) start_dbus ;;
      virtlogd) virtlogd --daemon ;;
      libvirtd) start_libvirtd ;;
    esac
    wait_until is_responding "$daemon" || {
      echo "daemons.sh: $daemon was started and does not respond" >&2
      exit 1
    }
  done
  [ -z "$IN_ORDER" ] || /usr/local/sbin/hanok-start start || true # what does not start is in the log of libvirtd
}

"$@"
