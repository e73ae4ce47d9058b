"""What a repository gets when it takes groundup in: a commented configuration."""

from __future__ import annotations

STARTER = """\
# The configuration of groundup. Every key is optional: what is commented out is a default or an example.
# Paths are relative to this folder. `python3 proto_kernel.py config --explain` prints every effective
# value and where it comes from.

# A request as uv understands it. Default: .python-version, else requires-python of the projects.
# python = "3.11"

# A script that prints the absolute path of an interpreter, where a request is not enough.
# python_selector = "tools/select_python.py"

# What is installed. Default: this folder's project, editable, with all that it declares; a list of extras
# or groups installs only those.
# projects = [{ path = ".", editable = true, extras = ["cli"], groups = ["dev"] }]

# Where the environment is built. With a chosen environment the default is <envs_dir>/<name>/.venv.
# venv = ".venv"

# Environments: each folder in envs_dir may have a configuration that is merged over this one.
# envs_dir = "envs"
# default_env = "dev"

# Requirements, such as a keyring, that uv needs to reach a private index.
# auth = ["keyring"]

# The state that `python3 proto_kernel.py` reaches.
# target = "ready"

# uv: at least this one on PATH may be used; or exactly this one, whose hash stands in proto_kernel.pins.
# [uv]
# min_version = "UV_VERSION"
# version = "UV_VERSION"

# Commands that run in the environment: `python3 proto_kernel.py test`.
# [commands]
# test = ["python", "-m", "pytest"]

# For the neo runtime, the groundup package in the environment.
# [neo]
"""


def starter_config(uv_version: str) -> str:
    """Return a ``groundup.toml`` whose every key is commented out.

    :param uv_version: the version of uv that the kernel pins.
    """
    return STARTER.replace("UV_VERSION", uv_version)
