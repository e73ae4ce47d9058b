"""A kill in the middle of making a project."""

import random
import sys
import time

import pytest

from groundup.projects import create_project, get_project, list_projects
from tests.projects.test_create import run
from tests.support.background import Background
from tests.support.users import User, requiring

CREATE = """
import sys
from groundup.projects import create_project
create_project(sys.argv[1], force=True)
"""


@pytest.fixture
def seed() -> int:
    return time.time_ns()


def test_a_kill_leaves_the_old_project_or_the_new_one(user: User, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the moment of a kill
    create_project(user.script(requiring("beta") + "import beta\nprint('old')\n"))
    new = user.script(requiring("beta", "gamma") + "import beta, gamma\nprint('new')\n")
    started = time.monotonic()
    create_project(new, id="timing")
    usual = time.monotonic() - started
    for _ in range(10):
        with Background([sys.executable, "-c", CREATE, str(new)], env=user.env, cwd=user.home) as creator:
            time.sleep(chance.uniform(0, usual + 0.3))
            creator.kill()
            creator.wait()
        assert run(get_project("hello")) in ("old\n", "new\n"), f"seed {seed}"
    assert run(create_project(new, force=True)) == "new\n"
    assert [project.id for project in list_projects()] == ["hello", "timing"]
    assert not list((user.data / "projects/.building").glob("*"))
