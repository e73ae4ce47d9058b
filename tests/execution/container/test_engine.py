"""No engine, no rights, no image: which of the three it is, and what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.execution.container import (
    ContainerError,
    EngineMissing,
    ImageMissing,
    IsolatedExecutionRuntime,
)
from groundup.execution.container.engine import Engine, find_engine
from tests.support.containers import owned, runtime_of
from tests.support.index import IndexServer
from tests.support.requirements import require
from tests.support.users import User


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match=f"no container engine answers at unix://{tmp_path}/x") as missing:
        IsolatedExecutionRuntime(engine=f"unix://{tmp_path}/x")
    assert "start Docker or Podman" in missing.value.hint


def test_a_socket_at_which_nobody_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "x"))
    with pytest.raises(EngineMissing, match="Connection refused"):
        Engine(f"unix://{tmp_path}/x")


def test_a_port_at_which_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(EngineMissing, match="Connection refused"):
        Engine(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["ssh://somewhere", "npipe:////./pipe/docker", "nonsense"])
def test_an_address_that_cannot_be_used(url: str) -> None:
    with pytest.raises(UserError, match="cannot be used") as refused:
        Engine(url)
    assert "unix://" in refused.value.hint


@contextmanager
def silent(tmp_path: Path) -> Iterator[str]:
    """Give the address of something that is no engine: it closes each connection."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "silent"))
        server.listen()

        def close_all() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=close_all)
        thread.start()
        yield f"unix://{tmp_path}/silent"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_what_is_no_engine(tmp_path: Path) -> None:
    with silent(tmp_path) as url, pytest.raises(ContainerError, match="cannot connect to the engine"):
        Engine(url)


def test_what_answers_otherwise_is_no_engine(tmp_path: Path) -> None:
    with IndexServer(tmp_path) as server, pytest.raises(ContainerError, match="is no engine") as refused:
        Engine(f"tcp://127.0.0.1:{server.port}")
    assert not isinstance(refused.value, EngineMissing)


def test_an_engine_is_told_by_how_it_answers(engine: Engine) -> None:
    """As its whole account says, which takes Podman seconds."""
    parts = [part["Name"] for part in engine.api.version()["Components"]]
    assert any("Podman" in part for part in parts) == (engine.name == "podman")
    rootless = any("rootless" in str(option) for option in engine.info["SecurityOptions"])
    assert engine.is_rootless == rootless
    assert engine.processors == engine.info["NCPU"]
    assert {"docker", "podman"} >= {engine.name}


def test_docker_host_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///some/where")
    assert find_engine() == "unix:///some/where"
    assert find_engine("tcp://127.0.0.1:1") == "tcp://127.0.0.1:1"


AS_OTHER = """
import os, sys
from groundup.execution.container.engine import Engine
from groundup.errors import GroundupError
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    Engine(sys.argv[1])
except GroundupError as error:
    print(type(error).__name__, error, error.hint, sep="\\n")
"""


def test_a_user_without_rights(docker: Engine) -> None:
    path = Path(docker.url.removeprefix("unix://"))
    require(os.geteuid() == 0 and path.is_socket(), "root, and an engine with a socket")
    done = subprocess.run(
        [sys.executable, "-c", AS_OTHER, docker.url], capture_output=True, text=True, check=True
    )
    kind, message, hint = done.stdout.splitlines()
    assert kind == "EngineForbidden"
    assert "no right to use the container engine" in message
    assert "Permission denied" in message
    assert "`docker`" in hint


def test_an_image_that_is_not_there_and_must_not_be_fetched(docker: Engine) -> None:
    with pytest.raises(ImageMissing, match=r"no image python:no-such-tag .*pull='never'") as missing:
        IsolatedExecutionRuntime("no-such-tag", pull="never")
    assert "load" in missing.value.hint


def test_the_sdk_says_what_is_missing_where_it_is_not_installed(docker: Engine) -> None:
    code = f"""
import sys
sys.modules["docker"] = None
from groundup.errors import UserError
from groundup.execution.container import IsolatedExecutionRuntime
try:
    IsolatedExecutionRuntime(engine={docker.url!r})
except UserError as error:
    print(error, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Docker SDK, which is not installed" in done.stdout
    assert "groundup[containers]" in done.stdout


@pytest.mark.parametrize(
    ("settings", "words", "hint"),
    [
        ({"gpus": "all"}, "device driver|gpu", "support for GPUs"),
        ({"network": "no-such-network"}, "no-such-network not found", "setting `network`"),
        ({"cpus": 100_000}, "CPUs", "limits"),
        ({"runtime": "no-such-runtime"}, "no-such-runtime", "engine's log"),
        ({"mounts": [{"source": "/no/such/file", "target": "/x"}]}, "/no/such/file", "this machine's files"),
    ],
)
def test_what_the_engine_refuses_is_told_in_its_words(
    settings: dict[str, object], words: str, hint: str, user: User, docker: Engine
) -> None:
    with (
        runtime_of(user, docker, **settings) as runtime,
        pytest.raises(
            ContainerError, match=f"(?s)the engine cannot make the container: .*({words})"
        ) as refused,
    ):
        runtime.run_script(b"print(1)")
    assert hint in refused.value.hint
    assert owned(docker) == []
