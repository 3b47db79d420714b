#!/bin/sh
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Starts servers whose machine has crashed, unless their on_crash says otherwise. Those that are to
# run have autostart; one that its guest has shut down has not crashed.
set -eu
export LC_ALL=C
virsh() {
  command virsh --quiet --connect qemu:///system "$@" </dev/null
}

is_to_restart() {
  [ "$(virsh domstate --reason "$1")" = 'shut off (crashed)' ] || return 1
  definition=$(virsh dumpxml --inactive "$1")
  case $definition in
    *hanok.cloud/xmlns/server*'<on_crash>restart<'*) ;;
    *) return 1 ;;
  esac
}

status=0
for machine in $(virsh list --state-shutoff --autostart --uuid); do
  # One that is deleted meanwhile is none.
  if is_to_restart "$machine" 2>/dev/null; then
    virsh start "$machine" || status=1
  fi
done
exit $status
