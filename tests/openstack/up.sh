#!/usr/bin/env bash
# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# up.sh [--packages]
#
# Starts an OpenStack on 127.0.0.1 for the tests: keystone, glance, placement, nova, neutron, cinder
# and octavia from PyPI, on a MariaDB. They are real; fake are only the hypervisor and the network
# behind them (drivers/). Each service is one process with its workers as threads, so no message
# broker is needed. Run it again: it starts only what is not running. With --packages it only makes
# the virtual environment, which needs a network.
#   OPENSTACK_HOME       its directory (default build/openstack of this clone)
#   OPENSTACK_VENV       its virtual environment (default: in its directory)
#   OPENSTACK_BASE_PORT  the first of its seven ports (default: chosen)
set -euo pipefail
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OPENSTACK_HOME=$(realpath -m "${OPENSTACK_HOME:-$HERE/../../build/openstack}")
VENV=$(realpath -m "${OPENSTACK_VENV:-$OPENSTACK_HOME/venv}")
export OPENSTACK_HOME OPENSTACK_VENV=$VENV
UV=uv==0.13.9

fail() {
  echo "up.sh: $*" >&2
  exit 1
}

# A virtual environment is complete when it has the copy of the requirements that it was made of.
make_venv() {
  ! cmp --silent "$HERE/requirements.txt" "$VENV/requirements.txt" || return 0
  echo "$VENV: $(grep -c == "$HERE/requirements.txt") packages"
  /usr/bin/python3 "$HERE/stop.py" # it runs from there
  /usr/bin/python3 -m venv --clear "$VENV"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check "$UV"
  "$VENV/bin/uv" pip install --quiet --no-deps --python "$VENV/bin/python" \
    --requirement "$HERE/requirements.txt"
  cp "$HERE/requirements.txt" "$VENV/requirements.txt"
}

mkdir -p "$OPENSTACK_HOME"
exec {LOCK}>"$OPENSTACK_HOME/lock"
flock "$LOCK"
make_venv
[ "${1:-}" != --packages ] || exit 0
for program in mariadbd openssl qemu-img; do
  command -v "$program" >/dev/null || fail "$program is missing; make prepare installs it"
done
"$VENV/bin/python" "$HERE/start.py"
