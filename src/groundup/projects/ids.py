"""Ids of projects: they are folder names, so nothing but a plain name gets through."""

from __future__ import annotations

import re

from groundup.errors import UserError

MAX_LENGTH = 64
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_id(project_id: str) -> str:
    """Return `project_id` when it is one; raise UserError otherwise."""
    if is_id(project_id):
        return project_id
    raise UserError(
        f"{project_id!r} is not the id of a project",
        hint=f"a letter or digit, then up to {MAX_LENGTH - 1} of a-z 0-9 . _ - (lower case)",
    )


def is_id(project_id: str) -> bool:
    """Return whether `project_id` can be one."""
    return isinstance(project_id, str) and _ID.fullmatch(project_id) is not None


def id_from_stem(stem: str) -> str:
    """Return the id that a script gets by its file name.

    Lower-cased, other characters to ``-``, cut to 64; raises UserError where nothing is left.
    """
    name = re.sub(r"[^a-z0-9._-]", "-", stem.lower()).lstrip("._-")[:MAX_LENGTH]
    if not name:
        raise UserError(
            f"no id can be made from the file name {stem!r}", hint="give one: id='name' (--id NAME)"
        )
    return name
