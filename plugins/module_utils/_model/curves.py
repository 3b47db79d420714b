# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The curves of ECDSA keys, y^2 = x^3 - 3x + b (SEC 2, sections 2.4 to 2.6)."""

from __future__ import annotations

from typing import NamedTuple


class Curve(NamedTuple):
    """``prime``: the modulus of the coordinates. ``b``: in hexadecimal digits."""

    prime: int
    b: str


_CURVES = {
    'nistp256': Curve(
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        '5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b',
    ),
    'nistp384': Curve(
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        'b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a'
        'c656398d8a2ed19d2a85c8edd3ec2aef',
    ),
    'nistp521': Curve(
        2**521 - 1,
        '51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109'
        'e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00',
    ),
}


def is_on_curve(point: bytes, name: str) -> bool:
    """Whether a point has the uncompressed form (4, then x and y), and is on the curve."""
    curve = _CURVES[name]
    size = (curve.prime.bit_length() + 7) // 8
    if len(point) != 2 * size + 1 or point[0] != 4:
        return False
    x = int.from_bytes(point[1 : size + 1], 'big')
    y = int.from_bytes(point[size + 1 :], 'big')
    is_reduced = max(x, y) < curve.prime
    return is_reduced and (y**2 - x**3 + 3 * x - int(curve.b, 16)) % curve.prime == 0
