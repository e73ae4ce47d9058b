"""Where groundup keeps its own data: ``GROUNDUP_HOME``, else the platform's folders of the user."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of what cannot be made again without the user: projects."""
    home = os.environ.get("GROUNDUP_HOME")
    if home:
        return Path(home).absolute()
    import platformdirs

    return platformdirs.user_data_path("groundup")


def cache_folder() -> Path:
    """Return the folder of what can be made again at any time: fetched files, environments of scripts."""
    from groundup import proto_kernel

    return Path(proto_kernel.cache_folder())
