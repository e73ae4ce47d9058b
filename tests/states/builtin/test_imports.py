"""The graph of built-in states costs no import of what only some of them need."""

from __future__ import annotations

import subprocess
import sys

LATE = ["filelock", "networkx", "packaging", "pydantic", "rich", "sqlite3", "subprocess", "typer"]
CODE = f"""
import sys
from groundup.states import builtin_graph
graph = builtin_graph()
print(len(graph) > 10, [name for name in {LATE} if name in sys.modules])
"""


def test_building_the_graph_imports_none_of_it() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"
