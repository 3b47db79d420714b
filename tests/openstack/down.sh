#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# down.sh [--wipe]
#
# Ends what up.sh started, and nothing else. With --wipe it also deletes what was made in the cloud;
# what remains is the virtual environment, and a copy of a new cloud.
#   OPENSTACK_HOME  its directory (default build/openstack of this clone)
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OPENSTACK_HOME=$(realpath -m "${OPENSTACK_HOME:-$HERE/../../build/openstack}")
export OPENSTACK_HOME

[ -d "$OPENSTACK_HOME" ] || exit 0
exec {LOCK}>"$OPENSTACK_HOME/lock"
flock "$LOCK"
/usr/bin/python3 "$HERE/stop.py" "$@"
