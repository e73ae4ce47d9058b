"""Files that declare the same work to each tool: states or tasks that do nothing with a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WIDE, CHAIN = "wide", "chain"

STATES = "from __future__ import annotations\n\nfrom groundup.dag import state\n"
STATE = """

@state({options})
def s{number}({parent}) -> int:
    return {number}
"""
DOIT = """
def nothing(): pass

def task_all():
    for number in range({size}):
        needs = {needs}
        yield {{
            "basename": f"s{{number}}",
            "actions": [nothing],
            "file_dep": {files},
            "task_dep": [f"s{{need}}" for need in needs],
        }}
"""
PYTASK = """
from pathlib import Path

import pytask

FILES = Path(__file__).parent / "files"

for number in range({size}):
    @pytask.task(id=str(number))
    def task_nothing({path}) -> None: pass
"""


@dataclass(frozen=True)
class Shape:
    """`size` states: a chain, or wide: the first is needed by all others, the last needs all others."""

    name: str
    size: int

    def __str__(self) -> str:
        return f"{self.size:,} {self.name}"

    def parent(self, number: int) -> str:
        """Return the name of the parent whose value a state gets; empty for the first."""
        if not number:
            return ""
        return f"s{number - 1}" if self.name == CHAIN else "s0"

    def needs(self, number: int) -> list[str]:
        """Return the names of its further parents."""
        if self.name == CHAIN or number < self.size - 1:
            return []
        return [f"s{each}" for each in range(1, number)]

    def values(self) -> dict[str, int]:
        """Return what each state gives, by name."""
        return {f"s{number}": number for number in range(self.size)}


def write_states(folder: Path, shape: Shape, *, tracked: bool) -> Path:
    """Write the module ``states.py``; return its path. When `tracked`, each state has a file as input."""
    module = folder / "states.py"
    module.write_text(STATES + "".join(_states(shape, tracked)), encoding="utf-8")
    return module


def write_work(folder: Path, shape: Shape, *, tracked: bool = True) -> Path:
    """Write the same work for each tool to a new folder, and return it. When `tracked`, each reads a file."""
    files = folder / "files"
    files.mkdir(parents=True)
    for number in range(shape.size):
        (files / str(number)).write_text(f"{number}\n")
    write_states(folder, shape, tracked=tracked)
    needs = "range(number)[-1:]" if shape.name == CHAIN else _needs_of_wide(shape)
    read = '[f"files/{number}"]' if tracked else "[]"
    path = "path: Path = FILES / str(number)" if tracked else ""
    (folder / "dodo.py").write_text(DOIT.format(size=shape.size, needs=needs, files=read))
    (folder / f"task_{folder.name}.py").write_text(PYTASK.format(size=shape.size, path=path))
    return folder


def _needs_of_wide(shape: Shape) -> str:
    return f"range(number if number == {shape.size - 1} else min(number, 1))"


def _states(shape: Shape, tracked: bool) -> Iterator[str]:
    for number in range(shape.size):
        parent, needs = shape.parent(number), shape.needs(number)
        options = ([f'inputs=["files/{number}"]'] if tracked else []) + ([f"needs={needs}"] if needs else [])
        yield STATE.format(
            options=", ".join(options), number=number, parent=f"{parent}: int" if parent else ""
        )
