"""What the neo runtime adds to the kernel's configuration: a typed view of it, and files for a new client."""

from __future__ import annotations

from groundup.config.model import Config, load_config

__all__ = ["Config", "load_config"]
