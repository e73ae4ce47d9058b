"""Containers of Docker and Podman."""

from groundup.execution.container.config import ContainerConfig
from groundup.execution.container.errors import (
    ContainerError,
    EngineForbidden,
    EngineMissing,
    ImageMissing,
    NotIsolatedWarning,
)
from groundup.execution.container.reaper import reap_containers
from groundup.execution.container.runtime import IsolatedExecutionRuntime

__all__ = [
    "ContainerConfig",
    "ContainerError",
    "EngineForbidden",
    "EngineMissing",
    "ImageMissing",
    "IsolatedExecutionRuntime",
    "NotIsolatedWarning",
    "reap_containers",
]
