"""What code in a container is, sees and may do."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.projects import create_project
from tests.support.containers import owned, runtime_of, seen
from tests.support.users import User

STATUS = """
import json, os
lines = [line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines()]
names = ("CapEff", "CapBnd", "CapPrm", "NoNewPrivs", "Seccomp")
print(json.dumps({line[0]: line[1] for line in lines if line[0] in names}))
"""


def test_it_is_an_ordinary_user_without_capabilities(runtime: IsolatedExecutionRuntime) -> None:
    status = seen(runtime.run_script(STATUS.encode()))
    assert {status[name] for name in ("CapEff", "CapBnd", "CapPrm")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    ids = seen(runtime.run_script(b"import json, os; print(json.dumps(os.getresuid() + os.getresgid()))"))
    assert 0 not in ids


PLACES = b"""
import json, os, sys

def can_write(folder):
    try:
        with open(os.path.join(folder, "made"), "w") as file:
            file.write("x")
    except OSError:
        return False
    return True

places = ["/", "/etc", "/usr", "/var", "/var/tmp", "/home", "/root", "/project", "/environment"]
places += ["/work", "/tmp"]
print(json.dumps([place for place in places if can_write(place)]))
"""


def test_it_writes_nowhere_but_to_its_own_folders(runtime: IsolatedExecutionRuntime, engine: Engine) -> None:
    own = ["/work", "/tmp"]  # noqa: S108
    if engine.name == "podman":  # which makes that one in memory, too
        own = ["/var/tmp", *own]  # noqa: S108
    assert seen(runtime.run_script(PLACES)) == own


def test_each_run_has_folders_of_its_own(runtime: IsolatedExecutionRuntime) -> None:
    source = b"import os; print(os.listdir('/tmp'), os.listdir()); open('/tmp/a', 'w'); open('b', 'w')"
    assert [runtime.run_script(source).stdout for _ in range(2)] == ["[] []\n"] * 2


def test_it_sees_its_own_project_alone(runtime: IsolatedExecutionRuntime, user: User) -> None:
    create_project(b"print('other')", id="other")
    create_project(
        b"import json, os; print(json.dumps([os.listdir('/project'), os.listdir('/environment')]))", id="x"
    )
    project, environment = seen(runtime.run_project("x"))
    assert "main.py" in project
    assert "pyvenv.cfg" in environment
    source = f"import os; print([p for p in ({str(user.home)!r}, {str(user.data)!r}) if os.path.exists(p)])"
    assert runtime.run_script(source.encode()).stdout == "[]\n"


NETWORK = b"import socket; print([name for _, name in socket.if_nameindex() if name.startswith('eth')])"


def test_there_is_no_network_unless_asked_for(user: User, engine: Engine) -> None:
    with runtime_of(user, engine) as runtime:
        assert runtime.run_script(NETWORK).stdout == "[]\n"
    if engine.name == "docker":
        with runtime_of(user, engine, network=True) as runtime:
            assert runtime.run_script(NETWORK).stdout == "['eth0']\n"


def test_limits_are_those_that_were_asked_for(user: User, engine: Engine) -> None:
    """As the engine tells them of a container that runs."""
    told: list[dict[str, object]] = []

    def ask(text: str) -> None:
        (name,) = owned(engine)
        told.append(engine.api.inspect_container(name)["HostConfig"])

    settings = {"memory": "96m", "cpus": 0.5, "pids": 33, "shm_size": "8m"}
    with runtime_of(user, engine, **settings) as runtime:
        runtime.run_script(b"print(1)", on_stdout=ask)
    host = told[0]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (96 * 2**20, 500_000_000, 33)
    assert (host["ReadonlyRootfs"], host["Privileged"], host["ShmSize"]) == (True, False, 8 * 2**20)
    assert host["NetworkMode"] == "none"


def test_memory_ends(user: User, engine: Engine) -> None:
    eat = b"blocks = [bytearray(2**20) for _ in range(300)]; print('all')"
    with runtime_of(user, engine, memory="64m") as runtime:
        result = runtime.run_script(eat, check=False)
    assert (result.exit_code, result.stdout) == (137, "")
    with runtime_of(user, engine, memory="600m") as runtime:
        assert runtime.run_script(eat).stdout == "all\n"


def test_processes_end(user: User, docker: Engine) -> None:
    fork = b"""
import os, signal
made = 0
try:
    for _ in range(60):
        if os.fork() == 0:
            signal.pause()
        made += 1
except BlockingIOError:
    pass
print(made)
"""
    with runtime_of(user, docker, pids=20) as runtime:
        assert int(runtime.run_script(fork).stdout) < 20
    with runtime_of(user, docker, pids=100) as runtime:
        assert runtime.run_script(fork).stdout == "60\n"


@pytest.mark.parametrize(("setting", "place"), [("tmp_size", "/tmp"), ("work_size", "/work")])  # noqa: S108
def test_room_for_files_ends(setting: str, place: str, user: User, docker: Engine) -> None:
    fill = f"open('{place}/large', 'wb').write(bytes(4 * 2**20)); print('all')".encode()
    with runtime_of(user, docker, **{setting: "2m"}) as runtime:
        result = runtime.run_script(fill, check=False)
        assert "No space left" in result.stderr
    with runtime_of(user, docker, **{setting: "8m"}) as runtime:
        assert runtime.run_script(fill).stdout == "all\n"


def test_a_file_in_a_folder_of_the_caller_ends(user: User, docker: Engine) -> None:
    folder = user.home / "data"
    folder.mkdir()
    with runtime_of(user, docker, file_size="2m") as runtime:
        result = runtime.run_script(b"open('x', 'wb').write(bytes(4 * 2**20))", cwd=folder, check=False)
    assert "File too large" in result.stderr
    assert (folder / "x").stat().st_size <= 2 * 2**20


def test_a_folder_is_mounted_where_asked_for(user: User, docker: Engine) -> None:
    folder = user.home / "data"
    folder.mkdir()
    (folder / "given").write_text("given")
    mounts = [{"source": str(folder), "target": "/data"}]
    with runtime_of(user, docker, mounts=mounts) as runtime:
        assert runtime.run_script(b"print(open('/data/given').read())").stdout == "given\n"
        result = runtime.run_script(b"open('/data/x', 'w')", check=False)
    assert "Read-only file system" in result.stderr


def test_folders_that_lead_up_are_followed_as_the_system_does(
    user: User, docker: Engine, tmp_path: Path
) -> None:
    for name in ("elsewhere/inner", "elsewhere/data", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("elsewhere/inner")
    up = tmp_path / "link/../data"
    with runtime_of(user, docker, mounts=[{"source": up, "target": "/seen"}]) as runtime:
        runtime.run_script(b"open('made', 'w').write('x')", cwd=up)
        assert runtime.run_script(b"import os; print(os.listdir('/seen'))").stdout == "['made']\n"
    assert (tmp_path / "elsewhere/data/made").exists()


def test_options_reach_the_engine(user: User, docker: Engine) -> None:
    settings = {
        "user": "1234:5678",
        "hostname": "boxed",
        "extra_hosts": {"other": "10.0.0.9"},
        "group_add": [4321],
        "ulimits": {"nofile": {"soft": 77, "hard": 77}},
        "network": True,
    }
    source = b"""
import os, resource, socket
print(os.getuid(), os.getgid(), sorted(os.getgroups()), socket.gethostname(), socket.gethostbyname("other"))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    with runtime_of(user, docker, **settings) as runtime:
        result = runtime.run_script(source)
    assert result.stdout == "1234 5678 [4321, 5678] boxed 10.0.0.9\n(77, 77)\n"


def test_a_link_in_the_working_folder_leads_nowhere_outside(user: User, docker: Engine) -> None:
    (user.home / "secret").write_text("secret")
    folder = user.home / "data"
    folder.mkdir()
    (folder / "link").symlink_to(user.home / "secret")
    with runtime_of(user, docker) as runtime:
        result = runtime.run_script(b"open('link').read()", cwd=folder, check=False)
        assert "FileNotFoundError" in result.stderr
        runtime.run_script(b"import os; os.symlink('/etc/passwd', 'planted')", cwd=folder)
    assert os.readlink(folder / "planted") == "/etc/passwd"  # noqa: PTH115
    assert Path("/etc/passwd").stat().st_uid == 0


def test_output_without_end_fills_no_disk_of_the_engine(user: User, docker: Engine) -> None:
    told: list[object] = []
    done = threading.Event()

    def ask(text: str) -> None:
        if not done.is_set():
            done.set()
            (name,) = owned(docker)
            told.append(docker.api.inspect_container(name)["HostConfig"]["LogConfig"]["Type"])

    with runtime_of(user, docker) as runtime:
        result = runtime.run_script(b"for _ in range(50): print('x' * 10**6)", on_stdout=ask)
    assert told == ["none"]
    assert len(result.stdout_bytes) == 50 * (10**6 + 1)
