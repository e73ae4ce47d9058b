"""Hooks that are files of the repository: each is named as git names it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from groundup.errors import UserError

NAMES = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "p4-changelist", "p4-post-changelist"),
    *("p4-pre-submit", "p4-prepare-changelist", "post-applypatch", "post-checkout", "post-commit"),
    *("post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch"),
    *("pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive"),
    *("prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction"),
    *("sendemail-validate", "update"),
)
FORM = re.compile(r"[a-z][a-z0-9-]*")


def plain_hooks(folder: Path) -> dict[str, Path]:
    """Return the hooks in `folder` by name: files whose names have the form of git's hooks.

    :raises UserError: one is probably meant to have another name.
    """
    found = sorted(path for path in folder.glob("*") if FORM.fullmatch(path.name) and path.is_file())
    for path in found:
        close = get_close_matches(path.name, NAMES, n=1, cutoff=0.8)
        if path.name not in NAMES and close:
            raise UserError(
                f"{path}: git has no hook named {path.name}",
                hint=f"did you mean {close[0]}? A helper of hooks may have any name with a dot",
            )
    return {path.name: path for path in found}
