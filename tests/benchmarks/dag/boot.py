"""What a warm boot costs that reaches states which are all up to date, beyond a bare start of its python."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from tests.benchmarks.figures import Figure, more
from tests.benchmarks.interpreter import Interpreter
from tests.benchmarks.measuring import Command, in_turns
from tests.support.neo import CHECKOUT
from tests.support.process import clean_env, run_kernel
from tests.support.repositories import copy_kernel, write
from tests.support.trees import wait_until_settled

COUNT = 20
TARGET = "s19"
STATES = """
from pathlib import Path

from groundup import state

ROOT = Path(__file__).parent
"""
STATE = """

@state(inputs=["files/{number}"], outputs=["made/{number}"])
def s{number}({parent}) -> int:
    (ROOT / "made").mkdir(exist_ok=True)
    (ROOT / "made/{number}").write_bytes((ROOT / "files/{number}").read_bytes())
    return {number}
"""


def warm_repository(folder: Path, python: Path, more: str = "") -> tuple[Path, dict[str, str]]:
    """Make a repository whose configured target has 20 states, and boot until all are up to date.

    :param more: further code of its module of states.
    :return: its folder, and the variables of its user.
    """
    repo, env = folder / "repo", clean_env(folder / "home")
    copy_kernel(repo)
    project = {"path": str(CHECKOUT), "editable": True, "extras": [], "groups": []}
    write(repo, "groundup.toml", tomli_w.dumps({"target": TARGET, "projects": [project]}))
    write(repo, ".python-version", f"{python}\n")
    for number in range(COUNT):
        write(repo, f"files/{number}", f"{number}\n")
    states = (STATE.format(number=n, parent=f"s{n - 1}: int" if n else "") for n in range(COUNT))
    (repo / "groundup_states.py").write_text(STATES + more + "".join(states))
    for _ in range(2):  # files that were just made are not relied on
        run_kernel(repo, python=python, env=env, check=True)
        wait_until_settled(repo)
    run_kernel(repo, python=python, env=env, check=True)
    return repo, env


def warm_boot(folder: Path, python: Interpreter, rounds: int) -> list[Figure]:
    """Measure `proto_kernel.py` in such a repository, and the start of its environment's python."""
    repo, env = warm_repository(folder, python.path)
    costs = in_turns(
        {
            "boot": Command((str(python.path), str(repo / "proto_kernel.py")), env),
            "bare start": Command((str(repo / ".venv/bin/python"), "-I", "-c", "pass"), env),
        },
        rounds,
    )
    title = f"warm boot with {COUNT} states up to date - bare start"
    return [more(title, 120, costs, over="boot", under="bare start")]
