"""What a person, or a machine, wants to see of a run."""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """What a person, or a machine, sees of a run.

    :ivar quiet: nothing but failures.
    :ivar verbose: also what each state wrote, when it has ended.
    :ivar as_json: events as JSON on stdout, and nothing else there.
    :ivar dry_run: only what would be done.
    """

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    dry_run: bool = False
