"""Which states have nothing to do: what was done, kept on disk, and compared with what is there now."""

from __future__ import annotations

from groundup.dag.uptodate.errors import MissingOutputError, RecordsError, UnreadableFileError
from groundup.dag.uptodate.fingerprint import Change, Result
from groundup.dag.uptodate.tracker import Tracker
from groundup.dag.uptodate.verdict import Verdict

__all__ = [
    "Change",
    "MissingOutputError",
    "RecordsError",
    "Result",
    "Tracker",
    "UnreadableFileError",
    "Verdict",
]
