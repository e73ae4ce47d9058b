"""Real wheels for the C library of an image: glibc's and musl's are never taken for each other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.execution.container.packages import Wanted, provisioned
from groundup.execution.container.platforms import Facts
from groundup.projects.inference.index import configured_indexes
from groundup.projects.inference.transfer import TransferError
from groundup.projects.requirements import environment_spec
from groundup.projects.script import read_script
from tests.support.containers import TAG, connected
from tests.support.requirements import require

SCRIPT = b"# /// script\n# dependencies = ['markupsafe']\n# ///\nfrom markupsafe import _speedups\nprint(1)\n"
GLIBC = Facts("/usr/local/bin/python3.12", (3, 12, 4), "cpython", "x86_64", "glibc", "2.36", True)
PLATFORMS = {
    "glibc": GLIBC,
    "musl": replace(GLIBC, libc="musl", libc_version="1.2"),
    "musl on ARM": replace(GLIBC, libc="musl", libc_version="1.2", machine="aarch64"),
}
ENDINGS = {"glibc": "x86_64-linux-gnu", "musl": "x86_64-linux-musl", "musl on ARM": "aarch64-linux-musl"}
NEEDED = {"glibc": b"libc.so.6", "musl": b"libc.musl-x86_64.so.1", "musl on ARM": b"libc.musl-aarch64.so.1"}


@pytest.fixture(autouse=True)
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path))
    try:
        configured_indexes().files("packaging")
    except TransferError as error:
        require(error.status, f"an index that can be reached: {error}")


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_compiled_module_is_that_of_the_c_library(name: str) -> None:
    facts = PLATFORMS[name]
    wanted = Wanted.of_spec(environment_spec(read_script(SCRIPT)), facts)
    with provisioned(wanted, facts, "it") as environment:
        (module,) = environment.rglob("_speedups*.so")
        assert module.name == f"_speedups.cpython-312-{ENDINGS[name]}.so"
        assert NEEDED[name] in module.read_bytes()


def test_it_runs_in_an_image_of_that_c_library() -> None:
    with closing(connected("docker")) as engine:
        assert isinstance(engine, Engine)
        with IsolatedExecutionRuntime(TAG, engine=engine.url, pull="never") as runtime:
            assert runtime.run_script(SCRIPT).stdout == "1\n"
