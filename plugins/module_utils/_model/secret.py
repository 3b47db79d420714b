# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of a request that are never recorded, shown or logged."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Secrets:
    """The secrets of a request. The cloud gets them when it is opened.

    Plans and records have at most a form that does not reveal them, by which the cloud finds the
    secret again: of ``user_data`` and ``root_password`` a keyed hash (user_data.py), of ``url``,
    from which an image is downloaded, the part without secrets (image.py).
    """

    user_data: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    root_password: str | None = field(default=None, repr=False)


NO_SECRETS = Secrets()
