#!/bin/sh
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Where systemd does not run: libvirt's daemons, started directly.
#   daemons.sh missing           prints the names of those that do not answer, and of a libvirtd that is to be restarted
#   daemons.sh start DAEMON...   starts them, and returns when they answer
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
HOOK=/etc/libvirt/hooks/network.d/hanok

succeeds() {
  timeout 10 "$@" >/dev/null 2>&1 </dev/null
}

answers() {
  case $1 in
    dbus-daemon) succeeds dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId ;;
    virtlogd) succeeds virt-admin --connect virtlogd:///system server-list ;;
    libvirtd) succeeds virsh --connect qemu:///system uri && succeeds virsh --connect lxc:///system uri ;;
  esac
}

missing() {
  for daemon in dbus-daemon virtlogd libvirtd; do
    answers $daemon || echo $daemon
  done
  # libvirtd looks for hooks when it starts: one that is older does not know ours
  if answers libvirtd && [ "$HOOK" -nt /run/libvirtd.pid ]; then
    echo libvirtd
  fi
}

wait_until() { # at most 30 seconds
  tries=0
  until "$@"; do
    [ $tries -lt 300 ] || return 1
    sleep 0.1
    tries=$((tries + 1))
  done
}

is_gone() {
  ! kill -0 "$1" 2>/dev/null
}

start_dbus() {
  mkdir -p /run/dbus
  rm -f /run/dbus/pid # of one that did not end well; nothing answers
  dbus-daemon --system --fork
}

stop_libvirtd() {
  pid=$(cat /run/libvirtd.pid 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = libvirtd ] || return 0
  kill "$pid" # servers run on
  wait_until is_gone "$pid"
}

start_libvirtd() {
  stop_libvirtd
  # In mounts of its own, for the sake of the umount: with a second cgroup hierarchy beside version 1, containers do not start. What is mounted on
  # the host later must be seen there: / shared, and the copy its slave.
  [ "$(findmnt --noheadings --output PROPAGATION /)" = shared ] || mount --make-rshared /
  unshare --mount --propagation slave sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec libvirtd --daemon'
}

start() {
  for daemon in "$@"; do
    case $daemon in
      dbus-daemon) start_dbus ;;
      virtlogd) virtlogd --daemon ;;
      libvirtd) start_libvirtd ;;
    esac
    wait_until answers "$daemon" || {
      echo "daemons.sh: $daemon was started, and does not answer" >&2
      exit 1
    }
  done
}

"$@"
