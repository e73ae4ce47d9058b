"""Records in a folder, opened as processes would, and how they can be damaged."""

from __future__ import annotations

from pathlib import Path

from groundup.dag.uptodate.files import Row
from groundup.dag.uptodate.records import Record, Records

ROW: Row = ("in.txt", 1, 2, 3, 4, "digest")


def record(name: str, key: str = "key", value: str | None = "1") -> Record:
    return Record(name, key, value, "result", '{"out": "digest"}', "lazy other", "[]")


class Opener:
    """Opens the records in one folder, as different processes would, and keeps what is said."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "deep/er/records.db"
        self.notices: list[str] = []
        self._open: list[Records] = []

    def __call__(self) -> Records:
        self._open.append(Records(self.path, self.notices.append))
        return self._open[-1]

    def close(self) -> None:
        for each in self._open:
            each.close()

    @property
    def aside(self) -> Path:
        return self.path.with_name("records.db.damaged")


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 200)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
