# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines are powered off where libvirt fails although nothing runs any more."""

from __future__ import annotations

import pytest

libvirt = pytest.importorskip('libvirt')

from ansible_collections.hanok.cloud.plugins.module_utils._local.compute.machines import (  # noqa: E402
    destroy,
)


class Answers:
    """A machine whose libvirt answers calls with these errors, one after the other."""

    def __init__(self, *errors: int) -> None:
        """``errors``: codes of libvirt; 0: none."""
        self.errors = iter(errors)

    def destroy(self) -> None:
        """Answer the next call."""
        code = next(self.errors)
        if code:
            error = libvirt.libvirtError('failed')
            error.err = (code, 0, 'failed', 2, None, None, None, 0, 0)
            raise error


def test_group_is_gone() -> None:
    """Libvirt is asked again, until it knows."""
    machine = Answers(libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR, 0)
    destroy(machine)
    assert not list(machine.errors)


@pytest.mark.parametrize('before', [(), (libvirt.VIR_ERR_SYSTEM_ERROR,)])
def test_other_errors(before: tuple[int, ...]) -> None:
    """Another error is told: that it does not run, which power_off expects, or any."""
    machine = Answers(*before, libvirt.VIR_ERR_OPERATION_INVALID)
    with pytest.raises(libvirt.libvirtError) as caught:
        destroy(machine)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
