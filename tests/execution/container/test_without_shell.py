"""An image that has a Python and nothing else: what runs is then the first process itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from tests.support.containers import TAG, owned
from tests.support.users import User

REMOVE = "import os; [os.remove(p) for p in ('/bin/sh', '/usr/bin/sh') if os.path.lexists(p)]"


@pytest.fixture(scope="module")
def image(docker: Engine) -> Iterator[str]:
    """An image without a shell, made of the one that has Python."""
    name = f"groundup-test-{os.getpid()}"
    docker.api.create_container(f"python:{TAG}", ["python3", "-c", REMOVE], name=name)
    try:
        docker.api.start(name)
        assert docker.api.wait(name)["StatusCode"] == 0
        docker.api.commit(name, repository=name, tag="bare")
    finally:
        docker.remove(name)
    yield f"{name}:bare"
    docker.api.remove_image(f"{name}:bare")


@pytest.mark.parametrize("warm", [0, 1])
def test_it_runs_the_same(image: str, warm: int, user: User, docker: Engine) -> None:
    source = b"""
import os, sys
print(os.getpid(), os.environ["a.b"], input(), os.getcwd(), os.listdir(), *sys.argv[1:])
sys.exit(3)
"""
    with IsolatedExecutionRuntime(image=image, pull="never", warm=warm) as runtime:
        result = runtime.run_script(source, "it's", env={"a.b": "1"}, stdin="line\n", check=False)
        assert (result.exit_code, result.stdout) == (3, "1 1 line /work [] it's\n")
        result = runtime.run_script(b"import time; time.sleep(600)", timeout=1, check=False)
        assert (result.phase, result.exit_code) == ("timeout", 137)
        assert runtime.run_script(b"open('x', 'w').write('x'); print(1)").stdout == "1\n"
    assert owned(docker) == []
