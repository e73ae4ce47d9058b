"""Run as ``by_huey.py DATABASE STATES``: chains of two tasks by huey, each write of SQLite on disk.

The loop of its worker without the pauses of that. The last line on stdout is JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from huey import SqliteHuey

from tests.benchmarks.measuring import timed


def main(database: str, states: int) -> None:
    huey = SqliteHuey(filename=database, fsync=True)

    @huey.task()  # type: ignore[untyped-decorator]
    def begin(text: str) -> str:
        return text

    @huey.task()  # type: ignore[untyped-decorator]
    def go_on(text: str) -> str:
        return text

    for _ in range(states // 2):
        huey.enqueue(begin.s("hello").then(go_on))
    done = 0
    with timed() as cost:
        while (task := huey.dequeue()) is not None:
            huey.execute(task)
            done += 1
    print(json.dumps({"states": done, "wall": cost().wall, "cpu": cost().cpu}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
