"""Errors of containers.

::

    GroundupError
    └── ContainerError
        ├── EngineMissing      no engine answers
        ├── EngineForbidden    it answers others, but not this user
        └── ImageMissing       the image is not there and cannot be had, or is not what was asked for
"""

from __future__ import annotations

from groundup.errors import GroundupError


class ContainerError(GroundupError):
    """The engine cannot do what it was asked for."""


class EngineMissing(ContainerError):  # noqa: N818 - names of what is wrong
    """No engine answers."""


class EngineForbidden(ContainerError):  # noqa: N818
    """This user may not use the engine."""


class ImageMissing(ContainerError):  # noqa: N818
    """The image is not there and cannot be had, or has no Python that is needed."""


class NotIsolatedWarning(UserWarning):
    """Isolation was asked for inside of a container, and code runs on that host."""
