"""Engines, and a runtime of each."""

from tests.support.containers import docker, engine, runtime

__all__ = ["docker", "engine", "runtime"]
